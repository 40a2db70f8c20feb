"""What a form tells assistive technology of its errors."""

from __future__ import annotations

from django import forms


def mark_errors(form: forms.Form) -> None:
    """Each wrong field says so and names its error, as templates/_field.html gives it."""
    for name in form.errors:
        if name in form.fields:
            form.fields[name].widget.attrs |= {"aria-invalid": "true", "aria-describedby": f"id_{name}_error"}
