"""Pictures for the pages."""

import logging

# Where the home folder cannot be written matplotlib takes a temporary one, which will do, and says so at length.
logging.getLogger("matplotlib").setLevel(logging.ERROR)
