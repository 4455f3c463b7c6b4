"""Interim: replaced by the real banner."""
import hashlib, json
def payload(website, document):
    return b"/* banner */\n"
def serve(payload):
    digest = hashlib.sha256(payload).hexdigest()
    return payload + f"//{digest}\n".encode(), digest
