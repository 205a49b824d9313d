/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * The module libtrace.core: declarations only. What a function does is in the shim, what a user
 * sees of it in python/libtrace.
 */
%module(package="libtrace") core
%{
#include "lts.h"

#include <math.h>
%}
%include <stdint.i>

%include "hooks.i"
%include "errors.i"
%include "fields.i"
%include "objects.i"
%include "typemaps.i"
%include "types.i"
%include "steps.i"

%rename(detect) lts_detect;
lts_status lts_detect(const char *path, char **OUTPUT_STRING);
%rename(feature) lts_feature_get;
int lts_feature_get(lts_feature feature);
%rename(version) lts_version;
lts_name lts_version(void);
%rename(load) lts_packet_load;
lts_packet *lts_packet_load(lts_bytes frozen);
%init %{
  adapt_types();
%}
