"""Who may do what, and where. Plain data; the only place that answers it.

Roles and exclusions follow the roles table of the domain: unit staff, supplier staff, finance departments, the central
purchasing agency, auditors, and the three separated administrators of the operator.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from app.kernel.errors import N_, Forbidden


class OrganisationKind(StrEnum):
    """What an organisation is; it decides which roles its people can hold."""

    UNIT = "unit"
    SUPPLIER = "supplier"
    FINANCE = "finance_department"
    AGENCY = "central_agency"
    AUDIT = "audit_office"
    OPERATOR = "operator"


class Role(StrEnum):
    """A post that a person holds in an organisation."""

    BUYER = "buyer"
    APPROVER = "approver"
    ACCEPTOR = "acceptor"
    FINANCE = "finance"
    ASSET_MANAGER = "asset_manager"
    UNIT_ADMIN = "unit_admin"
    SUPPLIER_ADMIN = "supplier_admin"
    LISTER = "lister"
    ORDER_CLERK = "order_clerk"
    CATALOGUE_ADMIN = "catalogue_admin"
    PLAN_CLERK = "plan_clerk"
    PERMIT_OFFICER = "permit_officer"
    SUPERVISOR = "supervisor"
    RULE_ADMIN = "rule_admin"
    DISCLOSURE_EDITOR = "disclosure_editor"
    AUDITOR = "auditor"
    SYSTEM_ADMIN = "system_admin"
    SECURITY_ADMIN = "security_admin"
    AUDIT_ADMIN = "audit_admin"


ROLE_NAMES: dict[Role, str] = {
    Role.BUYER: N_("经办人"),
    Role.APPROVER: N_("审批人"),
    Role.ACCEPTOR: N_("验收人"),
    Role.FINANCE: N_("财务"),
    Role.ASSET_MANAGER: N_("资产管理员"),
    Role.UNIT_ADMIN: N_("单位管理员"),
    Role.SUPPLIER_ADMIN: N_("供应商管理员"),
    Role.LISTER: N_("商品员"),
    Role.ORDER_CLERK: N_("订单员"),
    Role.CATALOGUE_ADMIN: N_("目录管理员"),
    Role.PLAN_CLERK: N_("备案岗"),
    Role.PERMIT_OFFICER: N_("审批岗"),
    Role.SUPERVISOR: N_("监管岗"),
    Role.RULE_ADMIN: N_("规则管理员"),
    Role.DISCLOSURE_EDITOR: N_("公开岗"),
    Role.AUDITOR: N_("审计、纪检"),
    Role.SYSTEM_ADMIN: N_("系统管理员"),
    Role.SECURITY_ADMIN: N_("安全管理员"),
    Role.AUDIT_ADMIN: N_("审计管理员"),
}

ROLES_OF: dict[OrganisationKind, frozenset[Role]] = {
    OrganisationKind.UNIT: frozenset(
        {Role.BUYER, Role.APPROVER, Role.ACCEPTOR, Role.FINANCE, Role.ASSET_MANAGER, Role.UNIT_ADMIN}
    ),
    OrganisationKind.SUPPLIER: frozenset({Role.SUPPLIER_ADMIN, Role.LISTER, Role.ORDER_CLERK}),
    OrganisationKind.FINANCE: frozenset(
        {Role.PLAN_CLERK, Role.PERMIT_OFFICER, Role.SUPERVISOR, Role.RULE_ADMIN, Role.DISCLOSURE_EDITOR}
    ),
    OrganisationKind.AGENCY: frozenset({Role.CATALOGUE_ADMIN}),
    OrganisationKind.AUDIT: frozenset({Role.AUDITOR}),
    OrganisationKind.OPERATOR: frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN, Role.AUDIT_ADMIN}),
}

EXCLUSIVE: tuple[frozenset[Role], ...] = (
    frozenset({Role.SYSTEM_ADMIN, Role.SECURITY_ADMIN}),
    frozenset({Role.SYSTEM_ADMIN, Role.AUDIT_ADMIN}),
    frozenset({Role.SECURITY_ADMIN, Role.AUDIT_ADMIN}),
    frozenset({Role.RULE_ADMIN, Role.SUPERVISOR}),
)
"""Pairs that one person never holds together (the three administrators; whoever writes rules closes no case)."""


class Permission(StrEnum):
    """`resource:action`."""

    ACCOUNT_USE = "account:use"
    UNIT_ADMINISTER = "unit:administer"
    PEOPLE_GRANT = "people:grant"
    ORGANISATION_REGISTER = "organisation:register"
    SYSTEM_RUN = "system:run"
    AUDIT_READ = "audit:read"
    CATALOGUE_BROWSE = "catalogue:browse"
    CATALOGUE_ADMINISTER = "catalogue:administer"
    SUPPLIER_ADMINISTER = "supplier:administer"
    SUPPLIER_SUSPEND = "supplier:suspend"
    SUPPLIER_BAN = "supplier:ban"
    SUPPLIER_REVIEW = "supplier:review"
    LISTING_KEEP = "listing:keep"
    LISTING_REVIEW = "listing:review"
    LISTING_FREEZE = "listing:freeze"
    BUDGET_READ = "budget:read"
    BUDGET_KEEP = "budget:keep"
    PLAN_READ = "plan:read"
    PLAN_FILE = "plan:file"
    PLAN_RETURN = "plan:return"
    CART_USE = "cart:use"
    ORDER_READ = "order:read"
    ORDER_SUBMIT = "order:submit"
    ORDER_EXPLAIN = "order:explain"
    ORDER_APPROVE = "order:approve"
    HOLD_CLEAR = "hold:clear"
    CONTRACT_CONFIRM = "contract:confirm"
    CONTRACT_AGREE = "contract:agree"
    GOODS_SHIP = "goods:ship"
    GOODS_RECEIVE = "goods:receive"
    GOODS_ACCEPT = "goods:accept"
    INVOICE_ISSUE = "invoice:issue"
    INVOICE_READ = "invoice:read"
    PAYMENT_APPLY = "payment:apply"
    PAYMENT_RECONCILE = "payment:reconcile"
    ASSET_READ = "asset:read"
    ASSET_KEEP = "asset:keep"
    RATING_GIVE = "rating:give"
    STREAM_WATCH = "stream:watch"
    ALERT_READ = "alert:read"
    ALERT_HANDLE = "alert:handle"
    RULE_READ = "rule:read"
    JOURNAL_AUDIT = "journal:audit"
    EXPOSURE_READ = "exposure:read"


_UNIT = frozenset(
    {Permission.ACCOUNT_USE, Permission.CATALOGUE_BROWSE, Permission.ORDER_READ, Permission.BUDGET_READ, Permission.PLAN_READ}
)
_SUPPLIER = frozenset({Permission.ACCOUNT_USE, Permission.CATALOGUE_BROWSE, Permission.ORDER_READ})
_WATCH = frozenset(
    {
        Permission.ACCOUNT_USE,
        Permission.CATALOGUE_BROWSE,
        Permission.ORDER_READ,
        Permission.BUDGET_READ,
        Permission.PLAN_READ,
        Permission.STREAM_WATCH,
        Permission.ALERT_READ,
        Permission.RULE_READ,
        Permission.INVOICE_READ,
        Permission.PAYMENT_RECONCILE,
        Permission.ASSET_READ,
        Permission.EXPOSURE_READ,
    }
)

GRANTS: dict[Role, frozenset[Permission]] = {
    Role.BUYER: _UNIT
    | {
        Permission.CART_USE,
        Permission.PLAN_FILE,
        Permission.ORDER_SUBMIT,
        Permission.ORDER_EXPLAIN,
        Permission.RATING_GIVE,
        Permission.CONTRACT_AGREE,
    },
    Role.APPROVER: _UNIT | {Permission.ORDER_APPROVE, Permission.HOLD_CLEAR},
    Role.ACCEPTOR: _UNIT | {Permission.GOODS_RECEIVE, Permission.GOODS_ACCEPT},
    Role.FINANCE: _UNIT
    | {
        Permission.PLAN_FILE,
        Permission.BUDGET_KEEP,
        Permission.INVOICE_READ,
        Permission.PAYMENT_APPLY,
        Permission.PAYMENT_RECONCILE,
        Permission.ASSET_READ,
    },
    Role.ASSET_MANAGER: _UNIT | {Permission.ASSET_READ, Permission.ASSET_KEEP},
    Role.UNIT_ADMIN: _UNIT | {Permission.UNIT_ADMINISTER, Permission.PEOPLE_GRANT},
    Role.SUPPLIER_ADMIN: _SUPPLIER | {Permission.SUPPLIER_ADMINISTER, Permission.PEOPLE_GRANT},
    Role.LISTER: _SUPPLIER | {Permission.LISTING_KEEP},
    Role.ORDER_CLERK: _SUPPLIER
    | {
        Permission.CONTRACT_CONFIRM,
        Permission.CONTRACT_AGREE,
        Permission.GOODS_SHIP,
        Permission.GOODS_RECEIVE,
        Permission.INVOICE_ISSUE,
        Permission.INVOICE_READ,
        Permission.RATING_GIVE,
    },
    Role.CATALOGUE_ADMIN: frozenset(
        {
            Permission.ACCOUNT_USE,
            Permission.CATALOGUE_BROWSE,
            Permission.CATALOGUE_ADMINISTER,
            Permission.SUPPLIER_REVIEW,
            Permission.SUPPLIER_SUSPEND,
            Permission.LISTING_REVIEW,
        }
    ),
    Role.PLAN_CLERK: frozenset(
        {
            Permission.ACCOUNT_USE,
            Permission.CATALOGUE_BROWSE,
            Permission.BUDGET_READ,
            Permission.PLAN_READ,
            Permission.PLAN_RETURN,
        }
    ),
    Role.PERMIT_OFFICER: frozenset({Permission.ACCOUNT_USE, Permission.CATALOGUE_BROWSE, Permission.PLAN_READ}),
    Role.SUPERVISOR: _WATCH
    | {
        Permission.ALERT_HANDLE,
        Permission.SUPPLIER_REVIEW,
        Permission.SUPPLIER_SUSPEND,
        Permission.SUPPLIER_BAN,
        Permission.LISTING_FREEZE,
        Permission.JOURNAL_AUDIT,
    },
    Role.RULE_ADMIN: frozenset({Permission.ACCOUNT_USE, Permission.CATALOGUE_BROWSE, Permission.RULE_READ, Permission.ALERT_READ}),
    Role.DISCLOSURE_EDITOR: frozenset({Permission.ACCOUNT_USE, Permission.CATALOGUE_BROWSE}),
    Role.AUDITOR: _WATCH | {Permission.JOURNAL_AUDIT},
    Role.SYSTEM_ADMIN: frozenset({Permission.ACCOUNT_USE, Permission.SYSTEM_RUN, Permission.ORGANISATION_REGISTER}),
    Role.SECURITY_ADMIN: frozenset({Permission.ACCOUNT_USE, Permission.PEOPLE_GRANT}),
    Role.AUDIT_ADMIN: frozenset({Permission.ACCOUNT_USE, Permission.AUDIT_READ, Permission.JOURNAL_AUDIT}),
}

STEP_UP: frozenset[Permission] = frozenset({Permission.ORDER_APPROVE, Permission.PAYMENT_APPLY})
"""Needs the password (or code) again within the session, and is granted to tokens for a short time only."""


class StepUpFirst(Forbidden):
    """The step needs the person himself, just now: a session left open is not enough."""

    code = "step_up_first"
    message = N_("审批和支付前须再次确认身份")
    way_out = N_("在网页上输入密码或动态口令后继续；程序请申请写明此权限的短期令牌")


class Reach(StrEnum):
    """How far a list goes for one actor; `visible_to` in each chapter's queries turns it into SQL."""

    EVERYWHERE = "everywhere"
    REGION = "region"
    ORGANISATION = "organisation"
    SUBTREE = "subtree"
    NOTHING = "nothing"


@dataclass(frozen=True)
class Scope:
    """A reach with what it is measured from."""

    reach: Reach
    organisation_id: int | None = None
    region: str | None = None


@dataclass(frozen=True)
class Actor:
    """Whoever acts: plain facts about a signed-in person, a token, or the system itself."""

    person_id: int | None
    name: str
    organisation_id: int | None
    organisation_kind: OrganisationKind
    region: str
    roles: frozenset[Role]
    organisation_name: str = ""
    token_scopes: frozenset[Permission] | None = None
    stepped_up: bool = False
    is_system: bool = False
    granted: frozenset[Permission] = field(init=False, default=frozenset())

    def __post_init__(self) -> None:
        granted = frozenset().union(*(GRANTS[role] for role in self.roles)) if self.roles else frozenset()
        if self.token_scopes is not None:
            granted &= self.token_scopes
        object.__setattr__(self, "granted", granted)

    def may(self, permission: Permission) -> bool:
        """Whether any role of the actor carries this permission (and the token does not withhold it)."""
        return self.is_system or permission in self.granted

    def must(self, permission: Permission) -> None:
        """Refuse unless the actor has the permission, freshly proven where that is asked. Raises Forbidden or StepUpFirst."""
        if not self.may(permission):
            raise Forbidden()
        if permission in STEP_UP and not (self.stepped_up or self.is_system):
            raise StepUpFirst()

    @property
    def is_unit(self) -> bool:
        """Whether the actor belongs to a purchasing unit."""
        return self.organisation_kind is OrganisationKind.UNIT

    @property
    def is_supplier(self) -> bool:
        """Whether the actor belongs to a supplier."""
        return self.organisation_kind is OrganisationKind.SUPPLIER

    @property
    def watches(self) -> bool:
        """Whether the actor sees a whole region's unpublished rows (finance department, audit)."""
        return self.organisation_kind in {OrganisationKind.FINANCE, OrganisationKind.AUDIT, OrganisationKind.AGENCY}


SYSTEM = Actor(
    person_id=None,
    name="系统",
    organisation_id=None,
    organisation_kind=OrganisationKind.OPERATOR,
    region="410000",
    roles=frozenset(),
    is_system=True,
)
"""The worker: time-outs, automatic acceptance, consumers."""


def scope_of(actor: Actor) -> Scope:
    """Where unpublished rows are visible: own organisation, or own region and below for those who supervise it."""
    if actor.is_system:
        return Scope(Reach.EVERYWHERE)
    if actor.is_unit or actor.is_supplier:
        return Scope(Reach.ORGANISATION, actor.organisation_id, actor.region)
    if actor.watches:
        return Scope(Reach.REGION, actor.organisation_id, actor.region)
    return Scope(Reach.NOTHING)


def clashing(roles: Iterable[Role]) -> frozenset[Role] | None:
    """The first pair among these roles that no one person may hold, or None."""
    held = frozenset(roles)
    return next((pair for pair in EXCLUSIVE if pair <= held), None)
