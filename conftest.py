"""What every test of the repository has at hand."""

pytest_plugins = ["shared.testing.fixtures", "shared.testing.reports", "shared.testing.groups"]
