"""The demo model that sees photographs. Run its parts from the folder above: `python -m photographs.cache --work DIR`."""
