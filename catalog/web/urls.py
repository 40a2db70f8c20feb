from django.urls import path

from catalog.web import index_views, views

app_name = "codes"
urlpatterns = [
    path("", views.search_page, name="search"),
    path("search/", views.search_hits, name="hits"),
    path("index/", index_views.index_page, name="index"),
    path("index/<slug:kind>/", index_views.index_page, name="index-table"),
    path("index/<slug:kind>/<int:entry_id>/", index_views.entry_page, name="index-entry"),
    path("<slug:system>/<str:code>/", views.code_page, name="code"),
]
