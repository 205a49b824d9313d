/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Filters: libpcap's compiler and interpreter on the captured bytes. libtrace's own would abort on
 * the odd lengths that a file may hold (libtrace 3) and does not see the length on the wire.
 */
#include "lts_int.h"

#include <pcap/pcap.h>
#include <stdlib.h>
#include <string.h>

enum { SNAPLEN = 262144, DIALECTS = 8 };

/* One expression means other code for each link type: compiled when the first packet of one comes.
 */
typedef struct dialect {
  int dlt;
  struct bpf_program program;
} dialect;

struct lts_filter {
  int references;
  char *expression;
  dialect dialects[DIALECTS];
  int known;
};

static lts_status compile(struct bpf_program *program, int dlt, const char *expression) {
  pcap_t *pcap = pcap_open_dead(dlt, SNAPLEN);
  if (!pcap) return lts_fail_memory();
  lts_status status = LTS_OK;
  if (pcap_compile(pcap, program, expression, 1, PCAP_NETMASK_UNKNOWN) < 0)
    status = lts_fail(LTS_E_FILTER, TRACE_ERR_BAD_FILTER, NULL, "bad filter '%s': %s", expression,
                      pcap_geterr(pcap));
  pcap_close(pcap);
  return status;
}

/* A good expression may make no sense for Ethernet ("wlan type data"). */
static lts_status check(const char *expression) {
  static const int others[] = {DLT_IEEE802_11_RADIO, DLT_RAW, DLT_LINUX_SLL, DLT_PPP, DLT_PFLOG};
  struct bpf_program program;
  for (size_t i = 0; i < sizeof others / sizeof *others; i++)
    if (!compile(&program, others[i], expression)) {
      pcap_freecode(&program);
      return LTS_OK;
    }
  if (compile(&program, DLT_EN10MB, expression)) return LTS_ERROR; /* its text is the telling one */
  pcap_freecode(&program);
  return LTS_OK;
}

lts_filter *new_lts_filter(const char *expression, int check_now) {
  if (check_now && check(expression)) return NULL;
  lts_filter *filter = calloc(1, sizeof *filter);
  if (filter) filter->expression = strdup(expression);
  if (!filter || !filter->expression) {
    free(filter);
    lts_fail_memory();
    return NULL;
  }
  filter->references = 1;
  return filter;
}

lts_filter *lts_filter_ref(lts_filter *filter) {
  filter->references++;
  return filter;
}

void delete_lts_filter(lts_filter *filter) {
  if (!filter || --filter->references) return;
  for (int i = 0; i < filter->known; i++) pcap_freecode(&filter->dialects[i].program);
  free(filter->expression);
  free(filter);
}

lts_name lts_filter_expression_get(lts_filter *filter) { return filter->expression; }

static dialect *dialect_for(lts_filter *filter, int dlt) {
  for (int i = 0; i < filter->known; i++)
    if (filter->dialects[i].dlt == dlt) return &filter->dialects[i];
  if (filter->known == DIALECTS) pcap_freecode(&filter->dialects[--filter->known].program);
  dialect *fresh = &filter->dialects[filter->known];
  if (compile(&fresh->program, dlt, filter->expression)) return NULL;
  fresh->dlt = dlt;
  filter->known++;
  return fresh;
}

lts_more lts_filter_match(lts_filter *filter, lts_frame *frame) {
  enum { LINKTYPE_RAW = 101, ATM_WITHOUT_HEC = 4 };
  bool atm = frame->link == TRACE_TYPE_ATM;
  int dlt = frame->dlt >= 0 ? frame->dlt : lts_dlt_of_link(atm ? TRACE_TYPE_LLCSNAP : frame->link);
  if (dlt < 0) return LTS_ITEM; /* as libtrace: what is no packet of a known kind always passes */
  dialect *compiled = dialect_for(filter, dlt == LINKTYPE_RAW ? DLT_RAW : dlt);
  if (!compiled) return LTS_FAIL;
  uint32_t skip = atm && frame->capture_length >= ATM_WITHOUT_HEC ? ATM_WITHOUT_HEC : 0;
  uint32_t captured = frame->capture_length - skip, wire = lts_frame_wire(frame);
  struct pcap_pkthdr header = {
      .caplen = captured,
      .len = wire > captured + skip ? wire - skip : captured,
  };
  return pcap_offline_filter(&compiled->program, &header, frame->data + skip) ? LTS_ITEM : LTS_END;
}

lts_truth lts_packet_apply_filter(lts_packet *packet, lts_filter *filter) {
  if (!lts_frame_is_filled(packet->frame)) return LTS_FAILED;
  if (packet->layer != LTS_PACKET) {
    lts_fail(LTS_E_VALUE, 0, NULL, "a filter is for packets, not for their layers");
    return LTS_FAILED;
  }
  lts_more match = lts_filter_match(filter, packet->frame);
  return match == LTS_FAIL ? LTS_ABSENT : match;
}
