"""The groups of the desk and what each may do, kept in step on every migration.

Who is in a group is for the administrator; what a group may do is decided here.
"""

from django.apps import apps as installed
from django.contrib.auth import get_permission_codename
from django.db.models import Model

OURS = ("retention", "policies", "consent")
VERSIONS = {"policies.view_statementversion", "policies.view_statementpdf", "policies.view_proposal"}
SUBMIT = "policies.submit_statement"
PUBLISH = "policies.publish_statement"
# Of the floor above, which this one knows by name only. Figures are of no person.
FIGURES = {"consent.view_dailycount"}
# Whoever answers for a publication also hands a supervisor the proof of it.
EVIDENCE = {
    "consent.view_consentrecord",
    "consent.view_banner",
    "consent.view_sealedday",
    "consent.view_recordpurge",
    "consent.view_sealpurge",
}
HOLDS = {"retention.view_legalhold", "retention.add_legalhold", "retention.change_legalhold"}
RUNS = {"retention.view_retentionrun", "retention.view_rununderway"}
# Kept with their history like content, but only a publisher may answer for a gap, or say where data is erased.
WAIVER = "policies.Waiver"
TARGETS = {"retention.DeclaredTarget", "retention.EarlyEnd", "retention.ColumnTreatment"}
ENFORCE = "retention.enforce_retentionrule"


def models_with_rights() -> list[type[Model]]:
    """Ours, without those of histories: whoever may look at a row may look at how it was."""
    models = [model for label in OURS for model in installed.get_app_config(label).get_models()]
    return [model for model in models if not hasattr(model, "instance_type")]


def permissions_of_groups() -> dict[str, set[str]]:
    """Each group with its permissions, such as ``policies.change_section``."""
    models = models_with_rights()
    # What has a history is content: it may be edited, and anybody can see who did.
    content = [
        model
        for model in models
        if hasattr(model._meta, "simple_history_manager_attribute") and model._meta.label not in {WAIVER, *TARGETS}
    ]
    targets = [model for model in models if model._meta.label in TARGETS]
    editor = {_permission(action, model) for model in content for action in ("view", "add", "change", "delete")}
    editor |= VERSIONS | FIGURES | RUNS | {_permission("view", model) for model in targets} | {SUBMIT}
    keeping = {_permission(action, model) for model in targets for action in ("view", "add", "change", "delete")}
    keeping |= HOLDS | RUNS | {ENFORCE}
    users = [installed.get_model("auth", name) for name in ("User", "Group")]
    return {
        "editor": editor,
        "publisher": editor | EVIDENCE | keeping | {PUBLISH},
        # Looks at everything, at the evidence and at who may do what; changes nothing.
        "auditor": {_permission("view", model) for model in [*models, *users]},
    }


def keep_groups(app_config, using, apps=installed, **kwargs) -> None:
    """Receiver of post_migrate: create missing groups, and give each what the list above says.

    The signal comes once per app, and the permissions of an app exist after its own: so this
    waits for the last one.
    """
    with_models = [config for config in installed.get_app_configs() if config.models_module is not None]
    if app_config.label != with_models[-1].label:
        return
    try:
        group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    except LookupError:
        return  # migrated back to before there were groups

    known = {
        f"{label}.{codename}": pk
        for pk, label, codename in permission_model.objects.using(using).values_list(
            "pk", "content_type__app_label", "codename"
        )
    }
    for name, permissions in permissions_of_groups().items():
        group, _created = group_model.objects.using(using).get_or_create(name=name)
        # Of a database that is migrated half, the half that is there.
        group.permissions.set([known[permission] for permission in sorted(permissions & known.keys())])


def _permission(action, model) -> str:
    return f"{model._meta.app_label}.{get_permission_codename(action, model._meta)}"
