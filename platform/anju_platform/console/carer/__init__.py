"""The carer's phone: offers, the day's visits, one visit step by step."""
