"""The script that Streamlit runs for every page: menu, header, then the page."""

from __future__ import annotations

import streamlit as st

from qts.ui.assets import ICON
from qts.ui.components import header
from qts.ui.errors import shown
from qts.ui.page import navigation

st.set_page_config(
    page_title="Quant Trading Service",
    page_icon=str(ICON),
    layout="wide",
    menu_items={"About": "Quant Trading Service: research on India's markets, on your own machine."},
)
page = navigation()
with shown():
    header.draw()
with shown():
    page.run()
