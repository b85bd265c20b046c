"""What is on the shelves of the training province: products, offers, and what each offer cost when."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random

from sqlalchemy.orm import Session

from app.kernel import clock
from app.policy import Role
from catalog.listings import events
from catalog.listings.rules import Offer
from catalog.listings.service import stream_of
from catalog.listings.states import Shelf
from catalog.listings.tables import Listing, ListingVersion
from catalog.products.rules import proven_text, stored
from catalog.products.states import Origin
from catalog.products.tables import Product, ProductFact
from catalog.profiles import queries as profiles
from catalog.profiles import rules as profile_rules
from catalog.taxonomy import queries as taxonomy
from supervision.training import goods, papers
from supervision.training.cast import Cast, Seller
from supervision.training.scales import PROVINCE, Scale
from supervision.training.writer import Writer

MANY = 100_000
"""Stock as far as the checks of history go: what was on the shelf on a day long past nobody can tell."""


@dataclass(frozen=True)
class Price:
    """What an offer cost from a moment on, by which version."""

    at: datetime
    price_fen: int
    version: int


@dataclass(kw_only=True)
class Article:
    """An offer with its whole history."""

    id: int
    product_id: int
    seller: Seller
    seed: goods.ProductSeed
    category_name: str
    tax_rate: int
    in_mall: bool
    classes: tuple[str, ...]
    delivery_days: int
    prices: list[Price] = field(default_factory=list)
    sold: int = 0
    stock: int = 0

    def price_at(self, at: datetime) -> Price:
        """Price and version of that moment."""
        return self.prices[max(bisect_right(self.prices, at, key=lambda price: price.at) - 1, 0)]

    def offer_at(self, at: datetime, *, stock: int = MANY) -> Offer:
        """The offer as the checks of a submission saw it at that moment."""
        price = self.price_at(at)
        trades = self.seller.trades_at(at)
        return Offer(
            listing_id=self.id,
            version=price.version,
            price_fen=price.price_fen,
            stock=stock,
            on_shelf=True,
            areas=self.seller.areas,
            delivery_days=self.delivery_days,
            product_id=self.product_id,
            category=self.seed.category_code,
            category_name=self.category_name,
            title=self.seed.title,
            brand=self.seed.brand,
            model=self.seed.model,
            unit=self.seed.unit,
            supplier_id=self.seller.id,
            supplier_name=self.seller.name,
            may_trade=trades,
            standing_until=None,
            tax_rate=self.tax_rate,
            in_mall=self.in_mall,
            allowed_classes=self.classes,
        )


@dataclass
class Market:
    """All offers, by category."""

    articles: list[Article]
    by_category: dict[str, list[Article]]
    _typical: dict[str, int] = field(default_factory=dict)

    def typical_fen(self, category: str) -> int:
        """The middle price of a category's offers."""
        if category not in self._typical:
            prices = sorted(article.prices[0].price_fen for article in self.by_category[category])
            self._typical[category] = prices[len(prices) // 2]
        return self._typical[category]


class Shelves:
    """Puts products and offers on the shelves, and keeps their later price changes until their time has come."""

    def __init__(self, session: Session, writer: Writer, rng: Random, start: datetime, now: datetime) -> None:
        self.session = session
        self.writer = writer
        self.rng = rng
        self.start = start
        self.now = now
        self._known: dict[str, tuple[str, int, bool, tuple[str, ...]]] = {}
        self.changes: list[tuple[datetime, Article, Price, int]] = []
        """Price changes to come: when, of what, to what, and from how many fen."""

    def fill(self, cast: Cast, scale: Scale, after_each: Callable[[int], None]) -> Market:
        """Everything that is offered from the beginning on; `after_each` is told how many offers there are."""
        sellers: dict[str, list[Seller]] = defaultdict(list)
        for seller in cast.sellers:
            for category in sorted(seller.categories):
                sellers[category].append(seller)
        products = list(goods.products(self.rng, scale.products))
        ids = [self._product(seed) for seed in products]
        articles: list[Article] = []
        counts: dict[int, int] = defaultdict(int)
        taken: set[tuple[int, int]] = set()
        at, rounds = self.start, 0
        while len(articles) < scale.listings and rounds < 400:
            rounds += 1
            for seed, number in zip(products, ids, strict=True):
                able = sellers.get(seed.category_code)
                if not able or len(articles) >= scale.listings:
                    continue
                seller = min(self.rng.sample(able, min(3, len(able))), key=lambda each: counts[each.id])
                if (number, seller.id) in taken:
                    continue
                taken.add((number, seller.id))
                counts[seller.id] += 1
                at += timedelta(milliseconds=400)
                articles.append(self._article(seed, number, seller, counts[seller.id], at))
                after_each(len(articles))
        by_category: dict[str, list[Article]] = defaultdict(list)
        for article in articles:
            by_category[article.seed.category_code].append(article)
        self.changes.sort(key=lambda change: (change[0], change[1].id))
        return Market(articles, dict(by_category))

    def _product(self, seed: goods.ProductSeed) -> int:
        number = self.writer.id(Product)
        proofs = papers.of(seed, number, clock.local(self.now).date())
        self.writer.add(
            Product,
            {
                "id": number,
                "category_code": seed.category_code,
                "brand": seed.brand,
                "model": seed.model,
                "title": seed.title,
                "unit": seed.unit,
                "attributes": stored(profile_rules.check(self._profile(seed.category_code), _attributes(seed))),
                "origin": Origin.IMPORTED if seed.imported else Origin.DOMESTIC,
                "proven": proven_text(proofs),
                "created_at": self.start,
            },
        )
        for proof in proofs:
            self.writer.add(ProductFact, papers.row(proof, self.start))
        return number

    def _profile(self, code: str) -> profile_rules.Profile:
        """By what the products of a category are described."""
        return profiles.of(self.session, code, clock.local(self.now).date())

    def _article(self, seed: goods.ProductSeed, product: int, seller: Seller, no: int, at: datetime) -> Article:
        facts = self._facts(seed.category_code)
        article = Article(
            id=self.writer.id(Listing),
            product_id=product,
            seller=seller,
            seed=seed,
            category_name=facts[0],
            tax_rate=facts[1],
            in_mall=facts[2],
            classes=facts[3],
            delivery_days=self.rng.choice((1, 2, 2, 3, 3, 5)),
            stock=0 if self.rng.random() < 0.03 else self.rng.choice((5, 12, 30, 60, 120, 300, 800)),
        )
        span = max(seed.high_fen - seed.low_fen, 1)
        price = max(seed.low_fen + int(span * min(max(self.rng.gauss(0.45, 0.22), 0.0), 1.0)), 100)
        article.prices.append(Price(at, _neat(price), 1))
        self._plan_changes(article)
        fact = events.ListingCreated(
            listing_id=article.id,
            supplier_id=seller.id,
            product_id=product,
            title=seed.title,
            price_fen=article.prices[0].price_fen,
            stock=article.stock,
            shelf=Shelf.ON_SHELF.value,
            listing_version=1,
        )
        self.writer.record(fact, stream=stream_of(article.id), version=1, region=seller.region, owner=seller.id, actor=None, at=at)
        last = article.prices[-1]
        self.writer.add(
            Listing,
            {
                "id": article.id,
                "supplier_id": seller.id,
                "product_id": product,
                "sku": f"{seller.tag.upper()}-{no:05d}",
                "title": seed.title,
                "price_fen": last.price_fen,
                "stock": article.stock,
                "shelf": Shelf.ON_SHELF,
                "delivery_days": article.delivery_days,
                "regions": seller.areas,
                "warranty_months": 12 * int(seed.specs.get("warranty") or 1) if str(seed.specs.get("warranty") or 1).isdigit() else 12,
                "version": last.version,
                "sold": 0,
                "created_at": at,
                "updated_at": last.at,
            },
        )
        for price_then in article.prices:
            self.writer.add(
                ListingVersion,
                {
                    "listing_id": article.id,
                    "version": price_then.version,
                    "title": seed.title,
                    "price_fen": price_then.price_fen,
                    "shelf": Shelf.ON_SHELF,
                    "delivery_days": article.delivery_days,
                    "actor_id": seller.people[Role.LISTER] if price_then.version > 1 else None,
                    "at": price_then.at,
                },
            )
        return article

    def _facts(self, code: str) -> tuple[str, int, bool, tuple[str, ...]]:
        """Name, tax rate, whether the mall sells it, and the economic classes that may pay for it."""
        if code not in self._known:
            today = clock.local(self.now).date()
            self._known[code] = (
                taxonomy.names(self.session, [code]).get(code, code),
                taxonomy.tax_rate_percent(self.session, code, today),
                taxonomy.in_mall(self.session, code, PROVINCE, today),
                tuple(sorted(taxonomy.classes_for(self.session, code, today))),
            )
        return self._known[code]

    def _plan_changes(self, article: Article) -> None:
        """Two offers of five change their price in the course of the year, mostly a little downwards."""
        if self.rng.random() > 0.4:
            return
        moments = sorted(self.rng.random() for _ in range(self.rng.choice((1, 1, 2, 3))))
        for moment in moments:
            at = article.prices[0].at + (self.now - article.prices[0].at) * (0.02 + 0.96 * moment)
            before = article.prices[-1].price_fen
            after = _neat(max(int(before * self.rng.choice((0.92, 0.95, 0.97, 0.98, 1.02, 1.04))), 100))
            if after != before:
                self.reprice(article, at, after)

    def reprice(self, article: Article, at: datetime, price_fen: int) -> None:
        """Note a change of price that will come."""
        before = article.prices[-1]
        price = Price(at, price_fen, before.version + 1)
        article.prices.append(price)
        self.changes.append((at, article, price, before.price_fen))

    def record_change(self, article: Article, price: Price, previous_fen: int, _at: datetime) -> None:
        """Record a change of price whose time has come."""
        fact = events.ListingRepriced(
            listing_id=article.id,
            supplier_id=article.seller.id,
            product_id=article.product_id,
            title=article.seed.title,
            price_fen=price.price_fen,
            stock=article.stock,
            shelf=Shelf.ON_SHELF.value,
            listing_version=price.version,
            previous_fen=previous_fen,
        )
        self.writer.record(
            fact,
            stream=stream_of(article.id),
            version=price.version,
            region=article.seller.region,
            owner=article.seller.id,
            actor=article.seller.people[Role.LISTER],
            at=price.at,
        )


def _neat(fen: int) -> int:
    """A price as shops write it: whole yuan above a hundred, tens of fen below."""
    return fen // 100 * 100 if fen >= 100_00 else max(fen // 10 * 10, 10)


def _attributes(seed: goods.ProductSeed) -> dict[str, object]:
    """Specifications by the names people read; origin and warranty are told by the product and the offer themselves."""
    told = ((each.name, seed.specs.get(each.key)) for each in goods.categories()[seed.category_code].attributes)
    return {name: value for name, value in told if value is not None and name not in profile_rules.TOLD_ELSEWHERE}


def cheapest(articles: Sequence[Article], at: datetime) -> Article:
    """The lowest offer of a moment."""
    return min(articles, key=lambda article: (article.price_at(at).price_fen, article.id))
