"""Settings: one frozen dataclass; the environment is read once, here.

Every field is documented in `docs/configuration.md`; a test compares the two.
"""

import os
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

DEFAULT_SECRET = "training-province-only"  # noqa: S105 - refused in production
DEFAULT_WEBHOOK_SECRET = "whsec_training_province_only"  # noqa: S105 - refused in production

MOST_PROXIES = 5


class BadConfiguration(Exception):
    """The environment asks for something unsafe or impossible; the text says which variable and what to set."""


@dataclass(frozen=True)
class Settings:
    """How this installation runs."""

    mode: str = "demo"
    data_dir: Path = Path("instance")
    database_url: str = ""
    secret_key: str = DEFAULT_SECRET
    host: str = "127.0.0.1"
    port: int = 8000
    base_url: str = ""
    web_workers: int = 2
    web_threads: int = 16
    trusted_proxies: int = 0
    meili_url: str = ""
    meili_key: str = ""
    payment_url: str = ""
    payment_key: str = "sk_test_training"
    payment_webhook_secrets: tuple[str, ...] = (DEFAULT_WEBHOOK_SECRET,)
    journal_key: str = ""
    journal_origin: str = "mall.example/henan"
    step_up_minutes: int = 15
    outgoing_loopback: bool = False
    log_format: str = "console"
    demo_traffic: float = 0.5
    debug: bool = False

    @property
    def is_demo(self) -> bool:
        """Whether this is the training province: demo marks, the tour, a clock that can run ahead."""
        return self.mode == "demo"

    @property
    def database(self) -> str:
        """The database address; SQLite inside the data directory when none is set."""
        return self.database_url or f"sqlite:///{self.data_dir.resolve() / 'mall.db'}"

    @property
    def address(self) -> str:
        """Where people reach the mall."""
        return self.base_url or f"http://{self.host}:{self.port}"

    @property
    def is_secure(self) -> bool:
        """Whether people come by https only, so that cookies are kept off plain connections."""
        return self.address.startswith("https://")

    @property
    def journal_key_path(self) -> Path:
        """The signing key of the journal: a file outside the database and the repository."""
        return Path(self.journal_key) if self.journal_key else self.data_dir / "journal.key"

    def folder(self, name: str) -> Path:
        """A folder of the data directory, made when missing."""
        path = self.data_dir.resolve() / name
        path.mkdir(parents=True, exist_ok=True)
        return path

    def check(self) -> "Settings":
        """Refuse what production must not run with. Raises BadConfiguration."""
        if self.mode not in {"demo", "production"}:
            raise BadConfiguration(f"MALL_MODE is {self.mode!r}: set it to demo or production")
        if self.meili_url and not self.meili_url.startswith(("http://", "https://")):
            raise BadConfiguration(f"MALL_MEILI_URL is {self.meili_url!r}: set it to an address like http://127.0.0.1:7700, or to nothing")
        if self.meili_key and not self.meili_url:
            raise BadConfiguration("MALL_MEILI_KEY is set without MALL_MEILI_URL: set both, or neither to search without a server")
        if not 0 <= self.trusted_proxies <= MOST_PROXIES:
            raise BadConfiguration(
                f"MALL_TRUSTED_PROXIES is {self.trusted_proxies}: set it to the number of reverse proxies in front, 0 to {MOST_PROXIES}"
            )
        if not 1 <= self.step_up_minutes <= 60:
            raise BadConfiguration(f"MALL_STEP_UP_MINUTES is {self.step_up_minutes}: set it to 1 … 60")
        if self.mode == "production":
            if self.secret_key == DEFAULT_SECRET or len(self.secret_key) < 32:
                example = secrets.token_urlsafe(32)
                raise BadConfiguration(f"MALL_SECRET_KEY is missing or shorter than 32 characters: set one, e.g. {example}")
            if DEFAULT_WEBHOOK_SECRET in self.payment_webhook_secrets:
                raise BadConfiguration("MALL_PAYMENT_WEBHOOK_SECRETS holds the training secret: set the gateway's own")
            if self.outgoing_loopback:
                raise BadConfiguration("MALL_OUTGOING_LOOPBACK is on: production never calls its own machine for others")
            if self.debug:
                raise BadConfiguration("MALL_DEBUG is on: production never runs in debug mode")
        return self


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    """Read the settings from variables named MALL_<FIELD>. Raises BadConfiguration."""
    source = os.environ if environment is None else environment
    given: dict[str, object] = {}
    for name, kind in Settings.__annotations__.items():
        text = source.get(f"MALL_{name.upper()}")
        if text is None or text == "":
            continue
        try:
            given[name] = _PARSE.get(kind, str)(text)
        except ValueError as error:
            raise BadConfiguration(f"MALL_{name.upper()} is {text!r}: {error}") from error
    return Settings(**given).check()  # type: ignore[arg-type]


def _flag(text: str) -> bool:
    if text.lower() in {"1", "true", "yes", "on"}:
        return True
    if text.lower() in {"0", "false", "no", "off"}:
        return False
    raise ValueError("write 1 or 0")


_PARSE: dict[object, Callable[[str], object]] = {
    int: int,
    float: float,
    bool: _flag,
    Path: Path,
    tuple[str, ...]: lambda text: tuple(part.strip() for part in text.split(",") if part.strip()),
}
