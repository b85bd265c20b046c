"""Every module with mapped classes, so that the metadata is whole (migrations and tests import this one)."""

import app.accounts.organisations.tables
import app.accounts.people.tables
import app.accounts.sessions.tables
import app.kernel.outbox
import catalog.listings.tables
import catalog.products.tables
import catalog.questions.tables
import catalog.references.tables
import catalog.reports.tables
import catalog.suppliers.tables
import catalog.taxonomy.tables
import orders.approvals.tables
import orders.assets.tables
import orders.budgets.tables
import orders.carts.tables
import orders.contracts.tables
import orders.deliveries.tables
import orders.payments.tables
import orders.plans.tables
import orders.purchases.tables
import orders.ratings.tables
import supervision.alerts.tables
import supervision.dashboard.tables
import supervision.disclosure.tables
import supervision.journal.tables
