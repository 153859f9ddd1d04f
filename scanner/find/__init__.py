"""Person search: where one person's data lies, from keyed fingerprints alone, and what is left of it later.

``query`` what is asked, ``names``, ``romaji`` and ``places`` its writing forms, ``lookup`` the fingerprints in the store's files,
``search`` what belongs together, ``cases`` a request kept and checked again.
"""
