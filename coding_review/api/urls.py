from django.urls import URLPattern, path, re_path

from coding_review.api import code_set_views as code_sets
from coding_review.api import encounter_views as encounters
from coding_review.api import entry_views as entries
from coding_review.api import evaluation_views as evaluations
from coding_review.api import finding_views as findings
from coding_review.api import metrics_views as metrics
from coding_review.api.docs import NoSuchAddress, SchemaView, docs
from coding_review.api.token_views import TokenView

app_name = "api"
urlpatterns: list[URLPattern] = [
    path("token/", TokenView.as_view(), name="token"),
    path("schema/", SchemaView.as_view(), name="schema"),
    path("docs/", docs, name="docs"),
    path("encounters/", encounters.EncountersView.as_view(), name="encounters"),
    path("encounters/<int:encounter_id>/", encounters.EncounterView.as_view(), name="encounter"),
    path("encounters/<int:encounter_id>/take/", encounters.TakeView.as_view(), name="encounter-take"),
    path("encounters/<int:encounter_id>/hold/", encounters.HoldView.as_view(), name="encounter-hold"),
    path("encounters/<int:encounter_id>/resume/", encounters.ResumeView.as_view(), name="encounter-resume"),
    path("encounters/<int:encounter_id>/skip/", encounters.SkipView.as_view(), name="encounter-skip"),
    path(
        "encounters/<int:encounter_id>/predict/", encounters.PredictView.as_view(), name="encounter-predict"
    ),
    path(
        "encounters/<int:encounter_id>/cancel-prediction/",
        encounters.CancelPredictionView.as_view(),
        name="encounter-cancel-prediction",
    ),
    path(
        "encounters/<int:encounter_id>/documents/", encounters.DocumentsView.as_view(), name="document-list"
    ),
    path(
        "encounters/<int:encounter_id>/documents/<int:version_id>/",
        encounters.DocumentTextView.as_view(),
        name="document-text",
    ),
    path("code-sets/<int:code_set_id>/", code_sets.CodeSetView.as_view(), name="code-set"),
    path("code-sets/<int:code_set_id>/suggestions/", code_sets.SuggestionsView.as_view(), name="suggestions"),
    path("code-sets/<int:code_set_id>/decisions/", code_sets.DecisionsView.as_view(), name="decisions"),
    path("code-sets/<int:code_set_id>/lines/", code_sets.LinesView.as_view(), name="lines"),
    path("code-sets/<int:code_set_id>/codes/", code_sets.AddCodeView.as_view(), name="code-add"),
    path("code-sets/<int:code_set_id>/findings/", findings.FindingsView.as_view(), name="findings"),
    path(
        "code-sets/<int:code_set_id>/findings/override/",
        findings.OverrideView.as_view(),
        name="finding-override",
    ),
    path(
        "code-sets/<int:code_set_id>/findings/withdraw/",
        findings.WithdrawOverrideView.as_view(),
        name="finding-withdraw",
    ),
    path("code-sets/<int:code_set_id>/undo/", code_sets.UndoView.as_view(), name="undo"),
    path("code-sets/<int:code_set_id>/redo/", code_sets.RedoView.as_view(), name="redo"),
    path("code-sets/<int:code_set_id>/sign-off/", code_sets.SignOffView.as_view(), name="sign-off"),
    path("code-sets/<int:code_set_id>/reopen/", code_sets.ReopenView.as_view(), name="reopen"),
    path("entries/<int:entry_id>/decide/", entries.DecideView.as_view(), name="entry-decide"),
    path("entries/<int:entry_id>/line/", entries.LineView.as_view(), name="entry-line"),
    path("metrics/", metrics.MetricsView.as_view(), name="metrics"),
    path("evaluations/", evaluations.EvaluationsView.as_view(), name="evaluations"),
    path("evaluations/<int:run_id>/", evaluations.EvaluationView.as_view(), name="evaluation"),
    path(
        "evaluations/<int:run_id>/charts/",
        evaluations.EvaluationChartsView.as_view(),
        name="evaluation-charts",
    ),
    path(
        "gold-projects/<int:project_id>/agreement/",
        evaluations.AgreementView.as_view(),
        name="gold-agreement",
    ),
    # Anything else below /api/ is answered in the API's own way, not with a page.
    re_path(r"^.*$", NoSuchAddress.as_view(), name="no-such-address"),
]
