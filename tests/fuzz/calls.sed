# SPDX-License-Identifier: LGPL-3.0-or-later
# From lts.h or dns.h the functions that take an object; touch.c says what the lines mean.
# Left out: what has no answer of its own.
/^void \|_pin(\|_ref(\|_lender(/d
s/^[a-z][a-z0-9_ ]*[ *]\(lts_[a-z0-9_]*_set_[a-z0-9_]*\)(lts_\([a-z0-9_]*\) \*[a-z0-9_]*);$/DO(\2, \1)/p
s/^[a-z][a-z0-9_ ]*[ *]\(lts_[a-z0-9_]*\)(\(const \)\{0,1\}lts_\([a-z0-9_]*\) \*[a-z0-9_]*);$/ASK(\3, \1)/p
s/^[a-z][a-z0-9_ ]*[ *]\(lts_[a-z0-9_]*_set\)(lts_\([a-z0-9_]*\) \*[a-z0-9_]*, int value);$/SET_NUMBER(\2, \1)/p
s/^[a-z][a-z0-9_ ]*[ *]\(lts_[a-z0-9_]*_set\)(lts_\([a-z0-9_]*\) \*[a-z0-9_]*, lts_prefix \*prefix);$/SET_PREFIX(\2, \1)/p
