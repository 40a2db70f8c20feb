from django.urls import URLPattern, path

from coding_review.web import (
    account,
    audit,
    bring_in,
    checks,
    code_set,
    code_set_export,
    encounter,
    evaluation,
    evaluation_start,
    findings,
    gold_urls,
    history,
    late_documents,
    learning_urls,
    model_urls,
    review,
    worklist,
)

app_name = "web"
urlpatterns: list[URLPattern] = [
    path("", worklist.worklist, name="worklist"),
    path("worklist/search/", worklist.worklist_search, name="worklist-search"),
    path("next/", encounter.next_encounter, name="next"),
    path("encounters/<int:encounter_id>/", review.encounter, name="encounter"),
    path("encounters/<int:encounter_id>/take/", encounter.encounter_take, name="encounter-take"),
    path("encounters/<int:encounter_id>/hold/", encounter.encounter_hold, name="encounter-hold"),
    path("encounters/<int:encounter_id>/resume/", encounter.encounter_resume, name="encounter-resume"),
    path("encounters/<int:encounter_id>/skip/", encounter.encounter_skip, name="encounter-skip"),
    path("encounters/<int:encounter_id>/return/", encounter.encounter_return, name="encounter-return"),
    path("encounters/<int:encounter_id>/retry/", encounter.encounter_retry, name="encounter-retry"),
    path("encounters/<int:encounter_id>/cancel/", encounter.encounter_cancel, name="encounter-cancel"),
    path("encounters/<int:encounter_id>/reassign/", encounter.encounter_reassign, name="encounter-reassign"),
    path("encounters/<int:encounter_id>/review/<slug:claim_type>/", review.review, name="review"),
    path(
        "encounters/<int:encounter_id>/documents/<int:document_id>/versions/<int:version>/",
        late_documents.document_difference,
        name="document-difference",
    ),
    path("alerts/<int:alert_id>/", late_documents.alert, name="alert"),
    path("alerts/<int:alert_id>/seen/", late_documents.alert_seen, name="alert-seen"),
    path("import/", bring_in.bring_in, name="import"),
    path("entries/<int:entry_id>/decide/", review.entry_decide, name="entry-decide"),
    path("entries/<int:entry_id>/evidence/", review.entry_evidence, name="entry-evidence"),
    path("entries/<int:entry_id>/line/", review.entry_set, name="entry-set"),
    path("code-sets/<int:code_set_id>/add/", review.entry_add, name="entry-add"),
    path("code-sets/<int:code_set_id>/pick/", code_set.code_pick, name="code-pick"),
    path(
        "code-sets/<int:code_set_id>/findings/override/", findings.finding_override, name="finding-override"
    ),
    path(
        "code-sets/<int:code_set_id>/findings/withdraw/", findings.finding_withdraw, name="finding-withdraw"
    ),
    path("code-sets/<int:code_set_id>/undo/", review.code_set_undo, name="code-set-undo"),
    path("code-sets/<int:code_set_id>/redo/", review.code_set_redo, name="code-set-redo"),
    path(
        "code-sets/<int:code_set_id>/dismiss-low/", review.code_set_dismiss_low, name="code-set-dismiss-low"
    ),
    path("code-sets/<int:code_set_id>/reveal/", code_set.code_set_reveal, name="code-set-reveal"),
    path("code-sets/<int:code_set_id>/sign-off/", code_set.code_set_sign_off, name="code-set-sign-off"),
    path("code-sets/<int:code_set_id>/reopen/", code_set.code_set_reopen, name="code-set-reopen"),
    path("code-sets/<int:code_set_id>/exposures/", code_set.code_set_exposures, name="code-set-exposures"),
    path("code-sets/<int:code_set_id>/active/", code_set.code_set_active, name="code-set-active"),
    path(
        "code-sets/<int:code_set_id>/export.<str:format>",
        code_set_export.code_set_export,
        name="code-set-export",
    ),
    path("encounters/<int:encounter_id>/history/", history.encounter_history, name="encounter-history"),
    *gold_urls.urlpatterns,
    *learning_urls.urlpatterns,
    path("checks/", checks.checks, name="checks"),
    path("evaluation/", evaluation.evaluations, name="evaluations"),
    path("evaluation/new/", evaluation_start.evaluation_new, name="evaluation-new"),
    path("evaluation/jobs/<int:job_id>/", evaluation_start.evaluation_job, name="evaluation-job"),
    path(
        "evaluation/jobs/<int:job_id>/cancel/", evaluation_start.evaluation_cancel, name="evaluation-cancel"
    ),
    path("evaluation/compare/", evaluation.evaluation_compare, name="evaluation-compare"),
    path("evaluation/<int:run_id>/", evaluation.evaluation, name="evaluation"),
    path("evaluation/<int:run_id>/report/", evaluation.evaluation_report, name="evaluation-report"),
    path(
        "evaluation/<int:run_id>/charts/<int:chart_position>/",
        evaluation.evaluation_chart,
        name="evaluation-chart",
    ),
    *model_urls.urlpatterns,
    path("audit/", audit.audit, name="audit"),
    path("audit/export/", audit.audit_export, name="audit-export"),
    path("sign-in/", account.SignInView.as_view(), name="sign-in"),
    path("sign-out/", account.SignOutView.as_view(), name="sign-out"),
    path("theme/", account.theme, name="theme"),
    path("preference/", account.preference, name="preference"),
    path("healthz", account.healthz, name="healthz"),
]
