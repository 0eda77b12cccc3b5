"""The simulated site: its pages, its menu, where its visitors come from and how they move on.

A shop window of restaurants: pages, dishes that are looked at, menus whose elements are clicked.
"""

from typing import NamedTuple

__all__ = [
    "ACTIONS",
    "DISHES",
    "DOCUMENTS",
    "ELEMENTS",
    "EXIT",
    "HOST",
    "PAGES",
    "RESTAURANTS",
    "SEARCHES",
    "SOURCES",
    "STARTS",
    "STEPS",
    "Dish",
    "Page",
    "Source",
    "page_number",
]

HOST = "https://shop.example"

# The states of the Markov chain, in the order that all tables below use; EXIT ends a session.
ACTIONS = (
    "page_view",
    "product_view",
    "add_to_cart",
    "checkout",
    "purchase",
    "click",
    "search",
    "sign_up",
)
EXIT = len(ACTIONS)

STARTS = (0.80, 0.17, 0.0, 0.0, 0.0, 0.0, 0.03, 0.0)

# Chance of the next action (columns: ACTIONS, then leaving) after each action (rows: ACTIONS).
STEPS: tuple[tuple[float, ...], ...] = (
    (0.26, 0.25, 0.00, 0.00, 0.00, 0.27, 0.05, 0.02, 0.15),
    (0.19, 0.30, 0.16, 0.00, 0.00, 0.15, 0.05, 0.00, 0.15),
    (0.12, 0.17, 0.06, 0.42, 0.00, 0.08, 0.00, 0.02, 0.13),
    (0.09, 0.06, 0.00, 0.05, 0.56, 0.00, 0.00, 0.04, 0.20),
    (0.32, 0.10, 0.00, 0.00, 0.00, 0.06, 0.00, 0.02, 0.50),
    (0.20, 0.27, 0.04, 0.00, 0.00, 0.38, 0.02, 0.00, 0.09),
    (0.14, 0.57, 0.00, 0.00, 0.00, 0.05, 0.14, 0.00, 0.10),
    (0.50, 0.24, 0.00, 0.00, 0.00, 0.14, 0.02, 0.00, 0.10),
)

RESTAURANTS = ("trattoria_roma", "golden_wok", "taco_libre", "bistro_lyon", "spice_route", "green_bowl")

# What a menu's click lands on, with how often it does.
ELEMENTS: tuple[tuple[str, float], ...] = (
    ("entree_1", 9.0),
    ("entree_2", 7.0),
    ("entree_3", 4.0),
    ("main_1", 10.0),
    ("main_2", 8.0),
    ("main_3", 5.0),
    ("main_4", 3.0),
    ("dessert_1", 6.0),
    ("dessert_2", 5.0),
    ("dessert_3", 2.0),
    ("drink_1", 5.0),
    ("drink_2", 3.0),
    ("allergens", 1.5),
    ("opening_hours", 2.5),
)

SEARCHES = (
    "pizza",
    "vegan",
    "gluten free",
    "noodles",
    "tacos",
    "dessert",
    "delivery",
    "brunch",
    "crème brûlée",
)


class Dish(NamedTuple):
    """Something to look at and buy; ``cents`` is its price."""

    slug: str
    title: str
    restaurant: str
    cents: int


DISHES: tuple[Dish, ...] = (
    Dish("margherita", "Pizza Margherita", "trattoria_roma", 950),
    Dish("carbonara", "Spaghetti Carbonara", "trattoria_roma", 1290),
    Dish("tiramisu", "Tiramisù", "trattoria_roma", 650),
    Dish("diavola", "Pizza Diavola", "trattoria_roma", 1150),
    Dish("kung-pao", "Kung Pao Chicken", "golden_wok", 1190),
    Dish("dan-dan", "Dan Dan Noodles", "golden_wok", 1050),
    Dish("dumplings", "Pork Dumplings", "golden_wok", 790),
    Dish("al-pastor", "Tacos al Pastor", "taco_libre", 890),
    Dish("burrito", "Burrito Grande", "taco_libre", 1090),
    Dish("churros", "Churros", "taco_libre", 550),
    Dish("coq-au-vin", "Coq au Vin", "bistro_lyon", 1890),
    Dish("quenelles", "Quenelles de Brochet", "bistro_lyon", 1790),
    Dish("creme-brulee", "Crème Brûlée", "bistro_lyon", 725),
    Dish("butter-chicken", "Butter Chicken", "spice_route", 1325),
    Dish("palak-paneer", "Palak Paneer", "spice_route", 1175),
    Dish("masala-dosa", "Masala Dosa", "spice_route", 975),
    Dish("buddha-bowl", "Buddha Bowl", "green_bowl", 1125),
    Dish("poke", "Poké Bowl", "green_bowl", 1375),
)


class Page(NamedTuple):
    """A page with its place in page views (0: reached by other actions only)."""

    path: str
    title: str
    weight: float


def _pages() -> tuple[Page, ...]:
    menus = tuple(
        Page(f"/menu/{name}", f"{name.replace('_', ' ').title()}: the menu", 6.0 - n)
        for n, name in enumerate(RESTAURANTS)
    )
    dishes = tuple(Page(f"/dish/{dish.slug}", dish.title, 0.0) for dish in DISHES)
    return (
        Page("/", "Good food, near you", 22.0),
        Page("/restaurants", "All restaurants", 9.0),
        Page("/offers", "Offers of the week", 5.0),
        Page("/about", "About us", 1.5),
        Page("/certificates", "Certificates and documents", 2.5),
        Page("/blog", "The kitchen blog", 2.0),
        Page("/blog/how-we-choose", "How we choose our restaurants", 1.0),
        Page("/blog/ten-desserts", "Ten desserts worth a détour", 1.6),
        Page("/help", "Help", 1.2),
        Page("/account", "Your account", 1.0),
        Page("/search", "Search", 0.0),
        Page("/cart", "Your basket", 0.0),
        Page("/checkout", "Checkout", 0.0),
        Page("/checkout/thanks", "Thank you for your order", 0.0),
        Page("/sign-up", "Create an account", 0.0),
        *menus,
        *dishes,
    )


PAGES = _pages()


def page_number(path: str) -> int:
    """Return the place of a path in ``PAGES``; ValueError when there is no such page."""
    return [page.path for page in PAGES].index(path)


class Source(NamedTuple):
    """How a session began: a referrer (may be empty) and the query that a campaign's link carries."""

    referrer: str
    query: str
    weight: float


SOURCES: tuple[Source, ...] = (
    Source("", "", 30.0),  # typed in or bookmarked
    Source("https://www.google.com/", "", 24.0),
    Source("https://www.bing.com/", "", 3.0),
    Source("https://duckduckgo.com/", "", 2.0),
    Source("https://www.ecosia.org/", "", 0.6),
    Source("https://search.yahoo.com/", "", 1.0),
    Source("https://www.facebook.com/", "", 4.0),
    Source("https://l.instagram.com/", "", 4.0),
    Source("https://t.co/k3Jd82hs", "", 2.0),
    Source("https://www.reddit.com/r/food/", "", 2.0),
    Source("https://www.linkedin.com/", "", 0.7),
    Source("https://www.youtube.com/", "", 1.5),
    Source("https://www.tripadvisor.com/", "", 2.5),
    Source("https://food.news.example/best-of-town", "", 2.0),
    Source("https://blog.example/lunch", "", 1.0),
    Source("https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=brand&utm_term=food+delivery", 6.0),
    Source("https://www.google.com/", "?utm_source=google&utm_medium=cpc&utm_campaign=lunch_deals&utm_content=ad_b", 3.0),
    Source("https://www.facebook.com/", "?utm_source=facebook&utm_medium=paid_social&utm_campaign=spring_menu", 4.0),
    Source("https://l.instagram.com/", "?utm_source=instagram&utm_medium=paid_social&utm_campaign=spring_menu", 2.0),
    Source("", "?utm_source=newsletter&utm_medium=email&utm_campaign=weekly_menu", 5.0),
    Source("", "?utm_source=newsletter&utm_medium=email&utm_campaign=win_back", 1.0),
    Source("https://partner.example/", "?utm_source=partner&utm_medium=affiliate&utm_campaign=city_guide", 1.5),
    Source("https://ads.example/slot", "?utm_source=adnet&utm_medium=display&utm_campaign=spring_menu", 1.2),
)  # fmt: skip

# Files that people open, with bytes and weight; access logs are made of them.
DOCUMENTS: tuple[tuple[str, int, float], ...] = (
    ("certificates/hygiene-2024.pdf", 482_113, 20.0),
    ("certificates/organic-eu.pdf", 391_204, 14.0),
    ("certificates/iso-22000.pdf", 1_204_882, 9.0),
    ("certificates/allergen-training.pdf", 288_410, 5.0),
    ("brochures/catering.pdf", 5_812_400, 12.0),
    ("brochures/weddings-2024.pdf", 8_410_233, 6.0),
    ("brochures/franchise.pdf", 3_902_118, 3.0),
    ("menus/trattoria_roma.pdf", 812_220, 8.0),
    ("menus/golden_wok.pdf", 640_118, 6.0),
    ("menus/bistro_lyon.pdf", 723_901, 4.0),
    ("reports/sustainability-2023.pdf", 12_480_771, 2.0),
    ("press/logo.zip", 2_210_034, 1.0),
)
