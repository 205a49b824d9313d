# SPDX-License-Identifier: LGPL-3.0-or-later

# PLT_CHECK_LDNS
# --------------
# Finds ldns where the compiler looks; it may be missing unless --with-ldns is given. Sets LDNS_LIBS
# and the conditional HAVE_LDNS.
AC_DEFUN([PLT_CHECK_LDNS], [
  AC_ARG_WITH([ldns],
    [AS_HELP_STRING([--with-ldns], [decode DNS (module pldns); by default where ldns is found])],
    [], [with_ldns=check])
  AC_SUBST([with_ldns])
  AC_SUBST([LDNS_LIBS], [])
  AS_CASE([$with_ldns], [yes|no|check], [],
    [AC_MSG_ERROR([--with-ldns=$with_ldns: give its place in CPPFLAGS and LDFLAGS])])
  plt_have_ldns=no
  AS_IF([test $with_ldns != no], [
    AC_CHECK_HEADER([ldns/ldns.h], [
      AC_CHECK_LIB([ldns], [ldns_rr_set_question], [plt_have_ldns=yes LDNS_LIBS=-lldns])])])
  AS_IF([test $with_ldns = yes && test $plt_have_ldns = no],
    [PLT_MISSING([libldns], [libldns-dev], [ldns-devel])])
  AM_CONDITIONAL([HAVE_LDNS], [test $plt_have_ldns = yes])
])
