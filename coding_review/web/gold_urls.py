"""Addresses of gold projects, readings, adjudication and frozen sets, under /gold/."""

from django.urls import URLPattern, path

from coding_review.web import (
    gold_adjudication,
    gold_import,
    gold_labels,
    gold_project,
    gold_projects,
    gold_reading,
    gold_sets,
)

urlpatterns: list[URLPattern] = [
    path("gold/", gold_projects.gold_projects, name="gold-projects"),
    path("gold/new/", gold_projects.gold_new, name="gold-new"),
    path("gold/sets/", gold_sets.gold_sets, name="gold-sets"),
    path("gold/sets/new/", gold_import.gold_import, name="gold-import"),
    path("gold/sets/<int:gold_set_id>/", gold_sets.gold_set, name="gold-set"),
    path("gold/sets/<int:gold_set_id>/export/", gold_sets.gold_set_export, name="gold-set-export"),
    path("gold/sets/<int:gold_set_id>/withdraw/", gold_sets.gold_set_withdraw, name="gold-set-withdraw"),
    path("gold/<int:project_id>/", gold_project.gold_project, name="gold-project"),
    path("gold/<int:project_id>/agreement/", gold_project.gold_agreement, name="gold-agreement"),
    path("gold/<int:project_id>/readers/", gold_project.gold_reader_add, name="gold-reader-add"),
    path("gold/<int:project_id>/charts/", gold_project.gold_sample, name="gold-sample"),
    path("gold/<int:project_id>/labels/", gold_labels.gold_labels, name="gold-labels"),
    path("gold/<int:project_id>/checks/", gold_project.gold_seed, name="gold-seed"),
    path("gold/<int:project_id>/codebook/", gold_project.gold_codebook, name="gold-codebook"),
    path("gold/<int:project_id>/open/", gold_project.gold_open, name="gold-open"),
    path("gold/<int:project_id>/close/", gold_project.gold_close_reading, name="gold-close-reading"),
    path("gold/<int:project_id>/freeze/", gold_project.gold_freeze, name="gold-freeze"),
    path(
        "gold/charts/<int:chart_id>/withdraw/", gold_project.gold_withdraw_chart, name="gold-withdraw-chart"
    ),
    path("gold/<int:project_id>/next/", gold_reading.gold_next, name="gold-next"),
    path("gold/reading/<int:reading_id>/", gold_reading.gold_reading, name="gold-reading"),
    path("gold/reading/<int:reading_id>/labels/<int:place>/", gold_reading.gold_judge, name="gold-judge"),
    path("gold/reading/<int:reading_id>/pick/", gold_reading.gold_pick, name="gold-pick"),
    path("gold/reading/<int:reading_id>/add/", gold_reading.gold_add, name="gold-add"),
    path(
        "gold/reading/<int:reading_id>/additions/<int:addition_id>/withdraw/",
        gold_reading.gold_withdraw_addition,
        name="gold-withdraw-addition",
    ),
    path("gold/reading/<int:reading_id>/finish/", gold_reading.gold_finish, name="gold-finish"),
    path(
        "gold/<int:project_id>/adjudicate/",
        gold_adjudication.gold_adjudicate_next,
        name="gold-adjudicate-next",
    ),
    path(
        "gold/<int:project_id>/adjudicate/<int:chart_id>/",
        gold_adjudication.gold_adjudication,
        name="gold-adjudication",
    ),
    path("gold/adjudications/<int:adjudication_id>/rule/", gold_adjudication.gold_rule, name="gold-rule"),
    path(
        "gold/adjudications/<int:adjudication_id>/undo/",
        gold_adjudication.gold_rule_undo,
        name="gold-rule-undo",
    ),
    path("gold/adjudications/<int:adjudication_id>/close/", gold_adjudication.gold_close, name="gold-close"),
    path("gold/<int:project_id>/overruled/", gold_adjudication.gold_overruled, name="gold-overruled"),
    path("gold/rulings/<int:ruling_id>/reply/", gold_adjudication.gold_reply, name="gold-reply"),
]
