"""The review page: label leased images in a browser. A client of the API, for people."""
