from django.urls import path

from catalog.web import views

app_name = "codes"
urlpatterns = [
    path("", views.search_page, name="search"),
    path("search/", views.search_hits, name="hits"),
    path("<slug:system>/<str:code>/", views.code_page, name="code"),
]
