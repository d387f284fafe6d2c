"""A wrong setting is named, with what it takes; a secret is never repeated."""

from __future__ import annotations

import pytest

from shared.runtime.settings import RuntimeSettings, SettingsError


def _complaint(monkeypatch: pytest.MonkeyPatch, variable: str, value: str) -> str:
    monkeypatch.setenv(variable, value)
    with pytest.raises(SettingsError) as raised:
        RuntimeSettings.load()
    return str(raised.value)


def test_names_the_variable_and_its_value(monkeypatch: pytest.MonkeyPatch) -> None:
    said = _complaint(monkeypatch, "MARQUEE_PORT", "abc")
    assert said.startswith("MARQUEE_PORT: ")
    assert said.endswith("not 'abc'")


def test_does_not_repeat_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    said = _complaint(monkeypatch, "MARQUEE_SECRET_KEY", "hunter2")
    assert said == "MARQUEE_SECRET_KEY: takes at least 32 characters"


def test_old_secret_keys_are_a_list_of_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    said = _complaint(monkeypatch, "MARQUEE_OLD_SECRET_KEYS", f"{'k' * 32},hunter2")
    assert said == "MARQUEE_OLD_SECRET_KEYS: takes at least 32 characters"
    monkeypatch.setenv("MARQUEE_OLD_SECRET_KEYS", f"{'k' * 32},{'l' * 32}")
    keys = [each.get_secret_value() for each in RuntimeSettings.load().old_secret_keys]
    assert keys == ["k" * 32, "l" * 32]


@pytest.mark.parametrize(
    ("variable", "value", "scheme"),
    [
        ("MARQUEE_AMQP_URL", "broker.example", "amqp://"),
        ("MARQUEE_AMQP_URL", "http://user:secret@broker.example", "amqp://"),
        ("MARQUEE_DATABASE_URL", "mysql://user:secret@db.example/x", "postgresql://"),
    ],
)
def test_an_address_of_another_kind_is_refused(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, scheme: str
) -> None:
    said = _complaint(monkeypatch, variable, value)
    assert said == f"{variable}: an address that begins with {scheme}"


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("MARQUEE_DATABASE_URL", "postgresql://user:hunter/2@db.example/x"),
        ("MARQUEE_DATABASE_ADMIN_URL", "postgresql://user:hunter?2@db.example/x"),
        ("MARQUEE_AMQP_URL", "amqps://user:hunter#2@broker.example"),
        ("MARQUEE_AMQP_URL", "amqp://user@broker.example:hunter2"),
    ],
)
def test_half_a_password_is_not_taken_for_a_port_and_told(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    said = _complaint(monkeypatch, variable, value)
    assert said.startswith(f"{variable}: an address with a number as its port")
    assert "hunter" not in said


@pytest.mark.parametrize(
    ("variable", "value", "takes"),
    [
        ("MARQUEE_DATABASE_URL", "postgresql://", "with a host, such as postgresql://host"),
        ("MARQUEE_DATABASE_URL", "postgresql:///marquee", "with a host, such as"),
        ("MARQUEE_AMQP_URL", "amqp://", "with a host, such as amqp://host"),
        ("MARQUEE_S3_ENDPOINT", "s3.example:8333", "an address that begins with http://"),
        ("MARQUEE_S3_BUCKET", "Bad Bucket!", "match pattern"),
        ("MARQUEE_IDENTITY_URL", "identity:8081", "an address that begins with http://"),
        ("MARQUEE_ALLOWED_ORIGINS", "https://a.example, *", "takes an origin such as"),
        ("MARQUEE_ALLOWED_ORIGINS", "https://a.example/path", "takes an origin such as"),
        ("MARQUEE_PUBLIC_URL", "ftp://a.example", "takes an origin such as"),
        ("MARQUEE_PUBLIC_URL", "https://a.example:port", "takes an origin such as"),
        ("MARQUEE_TRUSTED_PROXIES", "10.0.0.0/8,proxy", "takes addresses or networks such as"),
        ("MARQUEE_INSECURE", "perhaps", "valid boolean"),
    ],
)
def test_what_stands_before_us_is_named_exactly(
    monkeypatch: pytest.MonkeyPatch, variable: str, value: str, takes: str
) -> None:
    said = _complaint(monkeypatch, variable, value)
    assert said.startswith(f"{variable}: ")
    assert takes in said


def test_lists_are_written_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    origins = "https://A.example:443/, http://localhost:5173 http://[::1]:80"
    monkeypatch.setenv("MARQUEE_ALLOWED_ORIGINS", origins)
    monkeypatch.setenv("MARQUEE_TRUSTED_PROXIES", "10.0.0.0/8,::1")
    settings = RuntimeSettings.load()
    assert settings.allowed_origins == (
        "https://a.example",
        "http://localhost:5173",
        "http://[::1]",
    )
    assert [str(each) for each in settings.trusted_proxies] == ["10.0.0.0/8", "::1/128"]


def test_a_database_may_be_found_by_its_socket(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MARQUEE_DATABASE_URL", "postgresql://me@/marquee?host=/run/postgresql")
    assert RuntimeSettings.load().database_url
