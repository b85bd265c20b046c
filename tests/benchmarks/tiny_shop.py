"""A shop of a few lines that knows nothing of the product: `python tests/benchmarks/tiny_shop.py` prints its port and serves."""

import secrets
import time
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs

SEARCH_CPU_S = 0.02
tokens: dict[str, str] = {}
baskets: dict[str, list[str]] = {}
orders: list[list[str]] = []


class Shop(BaseHTTPRequestHandler):
    """Pages, a basket for each visitor, and forms that must carry the token set with the visitor's cookie."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        if self.path.startswith("/search"):
            until = time.thread_time() + SEARCH_CPU_S
            while time.thread_time() < until:
                pass
            self.say(200, "<p>found</p>" * 20)
        elif self.path == "/basket":
            visitor, token = secrets.token_hex(8), secrets.token_hex(8)
            tokens[visitor], baskets[visitor] = token, []
            self.say(200, "<form>", f"visitor={visitor}; Path=/; HttpOnly", f"token={token}; Path=/")
        elif self.path == "/orders":
            self.say(200, str(len(orders)))
        else:
            self.say(404, "nothing here")

    def do_POST(self) -> None:
        form = parse_qs(self.rfile.read(int(self.headers.get("Content-Length", 0))).decode())
        visitor = SimpleCookie(self.headers.get("Cookie", ""))
        name = visitor["visitor"].value if "visitor" in visitor else ""
        if name not in tokens or form.get("token") != [tokens[name]]:
            self.say(403, "forged")
        elif self.path == "/basket":
            baskets[name].append(form["product"][0])
            self.say(303, "")
        elif self.path == "/place-order" and baskets[name]:
            orders.append(baskets.pop(name))
            self.say(201, "thank you")
        else:
            self.say(409, "the basket is empty")

    def say(self, status: int, text: str, *cookies: str) -> None:
        self.send_response(status)
        for cookie in cookies:
            self.send_header("Set-Cookie", cookie)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the method it replaces
        """Nothing is logged."""


if __name__ == "__main__":
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        server.daemon_threads = True
        print(server.server_port, flush=True)
        server.serve_forever()
