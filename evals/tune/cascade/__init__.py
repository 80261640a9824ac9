"""Learn when cheap answers may be taken, and whether asking for them pays."""
