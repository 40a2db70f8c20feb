"""How static files are named for ever-lasting caches."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # WhiteNoise has no types; its storage is one of these.
    from django.contrib.staticfiles.storage import (
        ManifestStaticFilesStorage as CompressedManifestStaticFilesStorage,
    )
else:
    from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFiles(CompressedManifestStaticFilesStorage):
    """Also rewrites the imports of ES modules: a module loaded under two names would run twice."""

    support_js_module_import_aggregation = True
