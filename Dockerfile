# The site in a container: python, the locked dependencies, the code; nothing that builds.
# Another base: --build-arg PYTHON_IMAGE=… (Python 3.11 or newer).
ARG PYTHON_IMAGE=python:3.13-slim

# -- Everything is made here, and only results are taken along ---------------------------------
FROM ${PYTHON_IMAGE} AS builder

ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
COPY requirements/run.txt requirements/sbom.txt /build/
# An environment without pip, filled from outside; wheels only, so no compiler is missed. What is never read here goes:
# languages that the site does not speak, sources of catalogues. Bytecode is made here, for it cannot be made later.
RUN python3 -m venv /build/tools && python3 -m venv --without-pip /opt/venv \
    && install="install --quiet --require-hashes --only-binary=:all: --no-compile" \
    && /build/tools/bin/pip $install -r /build/sbom.txt \
    && /build/tools/bin/pip --python /opt/venv/bin/python $install -r /build/run.txt \
    && cd /opt/venv/lib/python3*/site-packages \
    && find . -name '*.po' -delete \
    && find . -path '*/locale/*' -name '*.mo' ! -path '*/locale/en/*' ! -path '*/locale/nl/*' -delete \
    && find babel/locale-data -name '*.dat' ! -name 'root.dat' ! -name 'en*' ! -name 'nl*' -delete \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash .

WORKDIR /srv/privacy
COPY manage.py gunicorn.conf.py ./
COPY retention retention
COPY policies policies
COPY consent consent
COPY privacy_site privacy_site
COPY templates templates
COPY static static
COPY locale locale
COPY content content
COPY docker/healthcheck.py docker/healthcheck.py
COPY scripts/messages.py scripts/messages.py
COPY pyproject.toml /build/

# These settings serve this step and are in no layer that is kept. The bill of materials (CycloneDX) says what was really
# installed, not what was asked for; a test validates it. The files keep the modes of the checkout;
# under a strict umask the user who runs the image could not read them.
RUN /opt/venv/bin/python scripts/messages.py compile \
    && PUBLIC_URL=http://localhost STATIC_ROOT=/srv/static \
       SECRET_KEY="$(python3 -c 'import secrets; print(secrets.token_urlsafe(60))')" \
       /opt/venv/bin/python manage.py collectstatic --no-input --verbosity 0 \
    && rm -r scripts \
    && /build/tools/bin/python -m cyclonedx_py environment --pyproject /build/pyproject.toml --no-validate \
       --output-reproducible --output-file /srv/sbom.cdx.json /opt/venv/bin/python \
    && /opt/venv/bin/python -m compileall -q --invalidation-mode unchecked-hash . \
    && chmod -R a+rX /srv

# -- What runs -----------------------------------------------------------------------------------
FROM ${PYTHON_IMAGE} AS runtime

LABEL org.opencontainers.image.title="Privacy site" \
      org.opencontainers.image.description="Privacy statement, cookie consent and retention from one source" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.version="0.1.0"

ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=privacy_site.settings \
    STATIC_ROOT=/srv/static \
    BIND=0.0.0.0:8000

COPY --from=builder /opt/venv /opt/venv
COPY --from=builder /srv /srv
WORKDIR /srv/privacy

# A number, so that an orchestrator can see that it is not root; it owns no file here.
USER 10001:10001
EXPOSE 8000
# gunicorn finishes what it has begun within eight seconds.
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=3s --start-period=20s --retries=3 \
    CMD ["python", "docker/healthcheck.py"]
CMD ["gunicorn", "--config", "gunicorn.conf.py"]
