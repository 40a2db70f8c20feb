from django.urls import URLPattern, path

from coding_review.web import account

app_name = "web"
urlpatterns: list[URLPattern] = [
    path("sign-in/", account.SignInView.as_view(), name="sign-in"),
    path("sign-out/", account.SignOutView.as_view(), name="sign-out"),
    path("theme/", account.theme, name="theme"),
    path("shortcuts/", account.shortcuts, name="shortcuts"),
    path("healthz", account.healthz, name="healthz"),
]
