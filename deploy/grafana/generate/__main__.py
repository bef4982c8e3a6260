"""Writes the dashboards (`make dashboards`)."""

from deploy.grafana.generate.files import files

for path, text in files().items():
    path.write_text(text)
