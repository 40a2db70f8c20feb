"""How static files are named for ever-lasting caches."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # WhiteNoise has no types
    """Also rewrites the imports of ES modules: a module loaded under two names would run twice."""

    support_js_module_import_aggregation = True
