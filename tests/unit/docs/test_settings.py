"""The settings page is what the settings classes say."""

from docs import make_settings


def test_the_page_is_up_to_date():
    written = make_settings.PAGE.read_text(encoding="utf-8")
    assert written == make_settings.page(), "run: .venv/bin/python docs/make_settings.py"


def test_every_variable_of_every_service_is_on_the_page():
    page = make_settings.PAGE.read_text(encoding="utf-8")
    for settings in make_settings.SERVICES.values():
        for name in settings.model_fields:
            assert f"`ETP_{name.upper()}`" in page
