"""Asset cards of the training province: drafted at acceptance, stored by the asset manager, registered when the goods are paid."""

from datetime import datetime, timedelta
from typing import Any, Final

from app.kernel import clock, numbers
from app.policy import Role
from catalog.taxonomy.rules import What, needs_card
from orders.assets import events as asset_events
from orders.assets.states import CardState
from orders.assets.tables import AssetCard
from orders.purchases.states import Action, State
from supervision.training.deals import Deal
from supervision.training.trade import Trade

ROOMS: Final = ("一号楼 201 室", "一号楼 305 室", "二号楼 402 室", "综合办公室", "档案室", "机房", "会议室", "教务处")


class Cards(Trade):
    """What the accepted goods become in the unit's books."""

    def draft_cards(self, deal: Deal, at: datetime) -> None:
        """Draft cards for what a person accepted, where category and value need one."""
        day = clock.local(at).date()
        least = self.bureau.limit(What.ASSET_VALUE, deal.unit.region, "A", day)
        for line in deal.lines:
            seed = line.article.seed
            pieces = line.accepted - line.carded
            if not pieces or not needs_card(seed.category_code, line.price_fen, least):
                continue
            line.carded += pieces
            card: dict[str, Any] = {
                "id": self.writer.id(AssetCard),
                "number": numbers.new("ZC", at=day, rng=self.rng),
                "order_id": deal.id,
                "order_line_id": line.id,
                "unit_id": deal.unit.id,
                "class_code": seed.category_code,
                "name": seed.title,
                "brand": seed.brand,
                "model": seed.model,
                "serial": None,
                "quantity": pieces,
                "value_fen": pieces * line.price_fen,
                "state": CardState.DRAFT,
                "keeper": None,
                "place": None,
                "voucher": None,
                "acquired_on": day,
                "registered_at": None,
                "version": 1,
            }
            deal.rows.append((AssetCard, card))
            deal.papers.setdefault("cards", []).append(card)
            self._tell_card(deal, card, asset_events.CardDrafted, None, at)

    def store(self, deal: Deal, at: datetime) -> None:
        """The asset manager completes the drafted cards and takes them into store."""
        manager = deal.unit.people[Role.ASSET_MANAGER]
        for card in deal.papers.get("cards", ()):
            if card["state"] is not CardState.DRAFT:
                continue
            card |= {"keeper": self.rng.choice("王李张刘陈杨赵黄") + "老师", "place": self.rng.choice(ROOMS)}
            card |= {"state": CardState.STORED, "version": card["version"] + 1}
            self._tell_card(deal, card, asset_events.CardStored, manager, at)
            if deal.state is State.PAID:
                self.register(deal, card, manager, at)
        self.close_if_done(deal, at + timedelta(seconds=1))

    def register(self, deal: Deal, card: dict[str, Any], actor: int | None, at: datetime) -> None:
        """The goods are paid: the card stands in the books."""
        voucher = deal.papers["application"]["receipt_number"]
        card |= {"state": CardState.REGISTERED, "version": card["version"] + 1, "registered_at": at, "voucher": voucher}
        self._tell_card(deal, card, asset_events.CardRegistered, actor, at)

    def _tell_card(self, deal: Deal, card: dict[str, Any], fact: type[asset_events.CardChanged], actor: int | None, at: datetime) -> None:
        told = fact(
            card=card["number"],
            order=deal.number,
            unit_id=deal.unit.id,
            class_code=card["class_code"],
            name=card["name"],
            quantity=card["quantity"],
            value_fen=card["value_fen"],
            voucher=card["voucher"],
        )
        self.writer.record(
            told, stream=card["number"], version=card["version"], region=deal.unit.region, owner=deal.unit.id, actor=actor, at=at
        )

    def close_if_done(self, deal: Deal, at: datetime) -> None:
        """Close a paid order when none of its cards waits."""
        waiting = any(card["state"] in {CardState.DRAFT, CardState.STORED} for card in deal.papers.get("cards", ()))
        if deal.state is State.PAID and not waiting:
            self.step(deal, Action.CLOSE, State.CLOSED, None, at)
