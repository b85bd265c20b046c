"""Parts about products that pages of other chapters include."""

from flask import Blueprint

bp = Blueprint("products", __name__, template_folder="templates", url_prefix="/catalogue/products")
