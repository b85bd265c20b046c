"""What a foreign supplier, a foreign unit and nobody get of every route of the catalogue and of the buying aids.

The three answers stand in this order; they are given when the route is asked with the keys of somebody else's things:

- `SHUT`: the guard says no, 403; to nobody 303 on a page and 401 to a program;
- `NONE`: 404, as if the thing did not exist;
- `OWN`: answered with the asker's own things alone;
- `OPEN`: answered to everybody, with what the shop window shows.
"""

SHUT, NONE, OWN, OPEN = "shut", "none", "own", "open"

LEFT_OUT = {"taxonomy", "taxonomy_api"}
"""Catalogues of the law, which hold nothing of anybody's."""

_ROWS: dict[tuple[str, str, str], tuple[str, ...]] = {
    # keepers and bureaus alone
    (SHUT, SHUT, SHUT): (
        "brands.alias POST", "brands.archive POST", "brands.free POST", "brands.index GET", "brands.restore POST", "onboarding.admit POST",
        "onboarding.review GET", "onboarding.reviewed GET", "onboarding.send_back POST", "products.check POST", "products.correct POST",
        "products.definition GET", "products.index GET", "products.merge POST", "products.withdraw POST", "profiles.archive POST",
        "profiles.index GET", "profiles.keep POST", "profiles.profile GET", "qualifications.accept POST", "qualifications.review GET",
        "qualifications.send_back POST", "questions.hide POST", "questions.question GET", "references.take_in POST", "reports.dismiss POST",
        "reports.index GET", "reports.uphold POST", "suppliers.lift POST", "suppliers.suspend POST", "upkeep.approve POST", "upkeep.bulk POST",
        "upkeep.freeze POST", "upkeep.lift POST", "upkeep.listing GET", "upkeep.reviews GET", "upkeep.send_back POST", "upkeep.suspend POST",
        "upkeep.thaw POST", "vocabulary.add POST", "vocabulary.answer POST", "vocabulary.dismiss POST", "vocabulary.goods POST",
        "vocabulary.index GET", "vocabulary.remove POST",
        "exposures.index GET", "exposures.samples GET", "exposures.table GET",
    ),
    # a unit's or a supplier's own paper, job or endpoint
    (NONE, NONE, SHUT): (
        "bulk.cancel POST", "bulk.check POST", "bulk.failed GET", "bulk.job GET", "bulk.source GET", "bulk.write POST", "comparisons.pdf GET",
        "comparisons.show GET", "comparisons.workbook GET", "comparisons_api.digest GET", "comparisons_api.show GET", "webhooks.change POST",
        "webhooks.delivery GET", "webhooks.endpoint GET", "webhooks.resend POST", "webhooks.rotate POST", "webhooks.switch_off POST",
        "webhooks.switch_on POST", "webhooks.test POST",
    ),
    # lists, exports and forms of whoever asks
    (OWN, OWN, SHUT): (
        "bulk.entity GET", "bulk.export_csv GET", "bulk.export_xlsx GET", "bulk.index GET", "bulk.template GET", "bulk.upload POST",
        "comparisons.index GET", "comparisons_api.index GET", "reports.own GET", "webhooks.add POST", "webhooks.index GET",
    ),
    # a buyer's own aids
    (SHUT, OWN, SHUT): (
        "comparisons.freeze POST", "comparisons_api.freeze POST", "comparisons_api.freeze_search POST", "favourites.index GET",
        "favourites.save_search POST", "favourites.star POST", "favourites.wait_for POST", "favourites_api.awaited GET",
        "favourites_api.save_search POST", "favourites_api.searches GET", "favourites_api.star PUT", "favourites_api.stars GET",
        "favourites_api.unstar DELETE", "favourites_api.wait_for POST", "reorders.check POST", "reorders.create POST", "reorders.index GET",
        "reorders.quick GET", "reorders.quick_to_cart POST", "reorders_api.create POST", "reorders_api.lists GET",
    ),
    # a supplier's own desk
    (OWN, SHUT, SHUT): (
        "connections.ask POST", "connections.connect POST", "connections.index GET", "connections.switch_off POST", "connections.switch_on POST",
        "connections_api.availability GET", "connections_api.reprice PUT", "connections_api.restock PUT", "connections_api.shelve PUT",
        "dispatch.index GET", "listings.index GET", "listings.new GET", "listings.new POST", "listings.preview POST", "listings.specs POST",
        "listings_api.create POST", "listings_api.listings GET", "onboarding.agreement GET", "onboarding.company GET", "onboarding.contact GET",
        "onboarding.overview GET", "onboarding.papers GET", "onboarding.scope GET", "qualifications.own GET", "qualifications.renew POST",
        "questions.index GET", "suppliers.own GET", "suppliers.set_areas POST", "positions.index GET", "positions.table GET",
        "onboarding_api.status GET", "questions_api.questions GET",
    ),
    # one thing on a supplier's desk
    (NONE, SHUT, SHUT): (
        "dispatch.again POST", "listings.listing GET", "listings.listing POST", "listings.price POST", "listings.price_preview POST",
        "listings.proofs POST", "listings.shelf POST", "listings.stock POST", "listings.withdraw POST", "listings_api.listing GET",
        "listings_api.reprice PUT", "listings_api.restock PUT", "listings_api.shelve PUT", "listings_api.versions GET", "onboarding.agree POST",
        "onboarding.hand_in POST", "onboarding.save_company POST", "onboarding.save_contact POST", "onboarding.save_scope POST",
        "onboarding.submit POST", "onboarding.withdraw POST", "qualifications.file GET", "questions.answer POST",
        "positions.show GET", "listings_api.verdicts GET", "questions_api.answer PUT",
    ),
    # one thing among a buyer's aids
    (SHUT, NONE, SHUT): (
        "favourites.drop_awaited POST", "favourites.drop_search POST", "favourites.drop_star POST", "favourites.look POST",
        "favourites_api.drop_awaited DELETE", "favourites_api.drop_search DELETE", "favourites_api.look POST", "reorders.change POST",
        "reorders.discard POST", "reorders.from_order POST", "reorders.put POST", "reorders.rename POST", "reorders.show GET",
        "reorders.to_cart POST", "reorders_api.change PATCH", "reorders_api.discard DELETE", "reorders_api.drop DELETE", "reorders_api.put POST",
        "reorders_api.rename PATCH", "reorders_api.show GET", "reorders_api.to_cart POST",
    ),
    # the shop window
    (OPEN, OPEN, OPEN): (
        "explanations.rules GET", "explanations.why GET", "onboarding.join GET", "onboarding.register POST", "questions.about GET", "questions_api.about GET",
        "references.index GET", "search.compare GET", "search.home GET", "search.product GET", "search.results GET", "search.suggest GET",
        "search_api.offer GET", "search_api.product GET", "search_api.search GET", "search_api.suggest GET", "suppliers.index GET",
        "suppliers.supplier GET",
    ),
    # the shop window, for those who may speak there
    (SHUT, OPEN, SHUT): (
        "questions.ask POST", "questions_api.ask POST",
    ),
    # the shop window, for those who may speak there
    (OPEN, OPEN, SHUT): (
        "reports.new GET", "reports.new POST",
    ),
}  # fmt: skip

TABLE: dict[str, tuple[str, str, str]] = {route: answers for answers, routes in _ROWS.items() for route in routes}
"""The three answers by endpoint and method."""
