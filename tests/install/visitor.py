"""Somebody who opens the page of an installed machine by HTTPS, and trusts its authority alone."""

from __future__ import annotations

import http.client
import re
import ssl
from html import unescape
from urllib.parse import urlencode

__all__ = ["HttpsVisitor"]


class HttpsVisitor:
    """Keeps the cookie, as a browser does.

    Args:
        machine: whose page it is; it shares this machine's network.
    """

    def __init__(self, machine) -> None:
        self._context = ssl.create_default_context(cafile=machine.path("/var/lib/edge-fer-web/authority.pem"))
        self.cookie = ""

    def ask(self, method, path, form=None, host="localhost:8443"):
        """Status, headers in small letters, text."""
        connection = http.client.HTTPSConnection("localhost", 8443, timeout=90, context=self._context)
        headers = {"host": host, "cookie": self.cookie}
        if method == "POST":
            headers |= {"origin": f"https://{host}", "content-type": "application/x-www-form-urlencoded"}
        try:
            connection.request(method, path, urlencode(form) if form else None, headers)
            answer = connection.getresponse()
            text = answer.read().decode()
        finally:
            connection.close()
        if found := answer.getheader("set-cookie"):
            self.cookie = found.partition(";")[0]
        return answer.status, {name.lower(): value for name, value in answer.getheaders()}, text

    def get(self, path):
        return self.ask("GET", path)

    def send_picture(self, data):
        """A picture, as the script of the page `Your pictures` sends it."""
        (csrf,) = re.findall(r'data-csrf="([^"]+)"', self.get("/pictures")[2])
        connection = http.client.HTTPSConnection("localhost", 8443, timeout=90, context=self._context)
        headers = {"cookie": self.cookie, "origin": "https://localhost:8443", "x-csrf": unescape(csrf)}
        try:
            connection.request("POST", "/pictures/read", data, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def send(self, path, **form):
        """A form of one of our pages."""
        found = re.search(r'name="csrf" value="([^"]+)"', self.get("/")[2])
        assert found
        return self.ask("POST", path, {"csrf": unescape(found[1])} | form)
