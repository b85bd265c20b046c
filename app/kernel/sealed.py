"""Secrets of others that must be read again: sealed with a key that is not in the database, so that a copy of it tells nothing."""

import base64
from dataclasses import dataclass, field

from cryptography.fernet import Fernet, InvalidToken
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from app.kernel.errors import N_, Conflict


class SealBroken(Conflict):
    """The secret was sealed under another key of the installation."""

    code = "sealed.broken"
    message = N_("保存的密钥已无法读取：平台的 MALL_SECRET_KEY 更换过")
    way_out = N_("请重新填写或更换这一密钥")


@dataclass(frozen=True)
class Seal:
    """Seals with a key drawn from the installation's own secret."""

    secret_key: str = field(repr=False)

    def close(self, text: str) -> str:
        """The text, sealed."""
        return self._fernet().encrypt(text.encode()).decode()

    def open(self, token: str) -> str:
        """The text that was sealed. Raises SealBroken."""
        try:
            return self._fernet().decrypt(token.encode()).decode()
        except InvalidToken as broken:
            raise SealBroken() from broken

    def _fernet(self) -> Fernet:
        derived = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"mall sealed secrets").derive(self.secret_key.encode())
        return Fernet(base64.urlsafe_b64encode(derived))
