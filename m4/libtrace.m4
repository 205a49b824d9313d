# SPDX-License-Identifier: LGPL-3.0-or-later

# PLT_MISSING(NAME, DEBIAN-PACKAGE, FEDORA-PACKAGE)
# -------------------------------------------------
# Notes what PLT_STOP_IF_MISSING will name.
AC_DEFUN([PLT_MISSING], [
  AS_VAR_APPEND([plt_missing], ["${plt_missing:+,} $1"])
  AS_VAR_APPEND([plt_debian], [" $2"])
  AS_VAR_APPEND([plt_fedora], [" $3"])
])

# PLT_STOP_IF_MISSING
# -------------------
# One line, so that a single install mends all that is missing.
AC_DEFUN([PLT_STOP_IF_MISSING], [
  AS_IF([test -n "$plt_missing"], [
    AC_MSG_ERROR([missing:$plt_missing; install$plt_debian (Debian, Ubuntu) or$plt_fedora (Fedora)$plt_hint])])
])

# PLT_NEED_LIBRARY(NAME, FUNCTION, DEBIAN-PACKAGE, FEDORA-PACKAGE, [HEADER = NAME])
# --------------------------------------------------------------------------------
AC_DEFUN([PLT_NEED_LIBRARY], [
  plt_found=no
  AC_CHECK_HEADER(m4_default([$5], [$1]).h, [
    AC_CHECK_LIB([$1], [$2], [plt_found=yes LIBS="-l$1 $LIBS"])])
  AS_IF([test $plt_found = no], [PLT_MISSING(m4_default([$5], [lib$1]), [$3], [$4])])
])

# PLT_CHECK_LIBTRACE
# ------------------
# Finds libtrace, wandio and libpcap, in the prefix that --with-libtrace gives or where the
# compiler looks. Sets LIBTRACE_CPPFLAGS and LIBTRACE_LIBS, and defines HAVE_* for functions that
# only libtrace 4 has: neither its header nor a pkg-config file tells the version.
AC_DEFUN([PLT_CHECK_LIBTRACE], [
  AC_ARG_WITH([libtrace],
    [AS_HELP_STRING([--with-libtrace=DIR], [use the libtrace in DIR/include and DIR/lib])],
    [], [with_libtrace=yes])
  AC_SUBST([with_libtrace])
  AC_SUBST([LIBTRACE_CPPFLAGS], [])
  AC_SUBST([LIBTRACE_LIBS], [])
  AS_CASE([$with_libtrace],
    [yes], [],
    [/*], [
      AS_IF([test ! -e "$with_libtrace/include/libtrace.h"],
        [AC_MSG_ERROR([--with-libtrace=$with_libtrace: there is no include/libtrace.h])])
      plt_libdir=$with_libtrace/lib
      AS_IF([test -e "$with_libtrace/lib64/libtrace.so"], [plt_libdir=$with_libtrace/lib64])
      LIBTRACE_CPPFLAGS="-I$with_libtrace/include"
      LIBTRACE_LIBS="-L$plt_libdir -R$plt_libdir"
      plt_ldflags=-L$plt_libdir],
    [AC_MSG_ERROR([--with-libtrace=$with_libtrace: give an absolute path])])

  plt_saved_CPPFLAGS=$CPPFLAGS plt_saved_LDFLAGS=$LDFLAGS plt_saved_LIBS=$LIBS
  CPPFLAGS="$LIBTRACE_CPPFLAGS $CPPFLAGS" LDFLAGS="$plt_ldflags $LDFLAGS" LIBS=
  PLT_NEED_LIBRARY([pcap], [pcap_compile], [libpcap-dev], [libpcap-devel])
  PLT_NEED_LIBRARY([wandio], [wandio_create], [libwandio1-dev], [wandio-devel])
  PLT_NEED_LIBRARY([trace], [trace_create], [libtrace3-dev], [libtrace-devel], [libtrace])
  AS_IF([test $plt_found = no], [plt_hint=", or pass --with-libtrace=DIR"])
  AC_CHECK_FUNCS([trace_get_statistics trace_get_errstr])
  LIBTRACE_LIBS="$LIBTRACE_LIBS $LIBS"
  CPPFLAGS=$plt_saved_CPPFLAGS LDFLAGS=$plt_saved_LDFLAGS LIBS=$plt_saved_LIBS
])

# PLT_CHECK_CODECS
# ----------------
# What outputs can be compressed with, and traces decompressed. wandio uses the same libraries, but its package does not
# bring their headers; what is not there is left out.
AC_DEFUN([PLT_CHECK_CODECS], [
  AC_SUBST([CODEC_LIBS], [])
  PLT_CHECK_CODEC([zlib.h], [z], [deflate])
  PLT_CHECK_CODEC([bzlib.h], [bz2], [BZ2_bzCompress])
  PLT_CHECK_CODEC([lzma.h], [lzma], [lzma_code])
  PLT_CHECK_CODEC([zstd.h], [zstd], [ZSTD_compressStream2])
  PLT_CHECK_CODEC([lz4frame.h], [lz4], [LZ4F_compressUpdate])
])

# PLT_CHECK_CODEC(HEADER, LIBRARY, FUNCTION)
# ------------------------------------------
AC_DEFUN([PLT_CHECK_CODEC], [
  AC_CHECK_LIB([$2], [$3], [
    AC_CHECK_HEADERS([$1], [CODEC_LIBS="$CODEC_LIBS -l$2"])])
])
