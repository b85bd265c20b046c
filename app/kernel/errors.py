"""Refusals: the one way the product says no.

A refusal carries a stable code, its facts and a translatable sentence. `app.web.errors` turns it into a page, a
fragment or an RFC 9457 problem in the reader's language; nothing else renders it.
"""

import inspect
from typing import Any, ClassVar, dataclass_transform


def N_(sentence: str) -> str:  # noqa: N802 - the name gettext tools look for
    """Mark a sentence for extraction without translating it here."""
    return sentence


@dataclass_transform(kw_only_default=True)
class Refusal(Exception):
    """A no that the user understands: what happened, why, and what to do next.

    Subclasses annotate their facts; each becomes a keyword argument. Facts ending in ``_fen`` are shown in yuan.
    """

    code: ClassVar[str] = "refused"
    message: ClassVar[str] = N_("请求未被接受")
    way_out: ClassVar[str] = ""
    basis: ClassVar[str] = ""
    status: ClassVar[int] = 422
    fact_names: ClassVar[tuple[str, ...]] = ()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        own = [name for name, kind in inspect.get_annotations(cls).items() if "ClassVar" not in str(kind)]
        inherited = [name for name in cls.fact_names if name not in own]
        cls.fact_names = (*inherited, *own)

    def __init__(self, **facts: Any) -> None:
        cls = type(self)
        unknown = set(facts) - set(cls.fact_names)
        missing = [name for name in cls.fact_names if name not in facts and not hasattr(cls, name)]
        if unknown or missing:
            raise TypeError(f"{cls.__name__}: unknown facts {sorted(unknown)}, missing facts {missing}")
        for name in cls.fact_names:
            setattr(self, name, facts.get(name, getattr(cls, name, None)))
        super().__init__(cls.code, {name: getattr(self, name) for name in cls.fact_names})

    @property
    def facts(self) -> dict[str, Any]:
        """The facts by name, as raised."""
        return {name: getattr(self, name) for name in self.fact_names}


class Invalid(Refusal):
    """The input has the wrong shape or value; `field` names where."""

    code = "invalid"
    field: str | None = None


class Forbidden(Refusal):
    """The actor may not do this."""

    code = "forbidden"
    message = N_("您的岗位没有这项权限")
    status = 403


class Missing(Refusal):
    """Not there, or not for this actor: the answer is the same, so that nobody learns which."""

    code = "missing"
    message = N_("没有找到，或您无权查看")
    status = 404


class Conflict(Refusal):
    """The world has moved on, or a rule of it stands against this."""

    code = "conflict"
    status = 409


class Unavailable(Refusal):
    """A part we depend on does not answer now; trying again later may help."""

    code = "unavailable"
    message = N_("服务暂时不可用，请稍后再试")
    status = 503
