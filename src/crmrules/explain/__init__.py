"""Why a record got what it got: what decided, from what, what spoke against, what would change it."""
