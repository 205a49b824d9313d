/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * calls.h has a line for each function of lts.h that takes an object, by the object's type:
 *   ASK(type, function)         gives something and changes nothing
 *   DO(type, function)          changes the object
 *   SET_NUMBER(type, function)  takes an int, too
 *   SET_PREFIX(type, function)  takes a prefix, too
 * so that a new field is fuzzed as soon as it is declared.
 */
#include "touch.h"

#include <stdio.h>
#include <string.h>

uint64_t digest;

void promise_broken(const char *file, int line, const char *condition) {
  fprintf(stderr, "%s:%d: not so: %s\n", file, line, condition);
}

/* FNV-1a, but by words: most of the time would go here. */
static void digest_word(uint64_t word) {
  const uint64_t prime = 0x100000001b3;
  digest = (digest ^ word) * prime;
  digest ^= digest >> 32;
}

void digest_bytes(const void *bytes, size_t length) {
  const uint8_t *at = bytes;
  uint64_t word = length;
  digest_word(word);
  for (; length >= sizeof word; length -= sizeof word, at += sizeof word) {
    memcpy(&word, at, sizeof word);
    digest_word(word);
  }
  word = 0;
  if (length) memcpy(&word, at, length);
  digest_word(word);
}

void digest_text(const char *text) { digest_bytes(text, strlen(text)); }

/* ---- types ---- */

typedef enum object_type {
  TYPE_NONE,
#define TYPE(NAME) TYPE_##NAME,
  LTS_LAYERS(TYPE) TYPE(packet) TYPE(trace) TYPE(output) TYPE(filter) TYPE(prefix) TYPE(flow)
      TYPE(home) TYPE(batch) TYPE(buffer) TYPE(flow_cache) TYPES
} object_type;

static const object_type bases[TYPES] = {
    [TYPE_layer2] = TYPE_packet,    [TYPE_layer3] = TYPE_packet, [TYPE_transport] = TYPE_layer3,
    [TYPE_internet] = TYPE_packet,  [TYPE_ip] = TYPE_internet,   [TYPE_ip6] = TYPE_internet,
    [TYPE_tcp] = TYPE_internet,     [TYPE_udp] = TYPE_internet,  [TYPE_icmp] = TYPE_ip,
    [TYPE_echo] = TYPE_icmp,        [TYPE_redirect] = TYPE_icmp, [TYPE_icmp6] = TYPE_ip6,
    [TYPE_echo6] = TYPE_icmp6,      [TYPE_toobig6] = TYPE_icmp6, [TYPE_param6] = TYPE_icmp6,
    [TYPE_neighbour6] = TYPE_icmp6, [TYPE_sctp] = TYPE_internet, [TYPE_chunk] = TYPE_internet,
};

static const object_type of_kind[] = {
    [LTS_PACKET] = TYPE_packet,
    [LTS_LAYER2] = TYPE_layer2,
    [LTS_LAYER3] = TYPE_layer3,
    [LTS_IP] = TYPE_ip,
    [LTS_TRANSPORT] = TYPE_transport,
    [LTS_IP6] = TYPE_ip6,
    [LTS_TCP] = TYPE_tcp,
    [LTS_UDP] = TYPE_udp,
    [LTS_ICMP] = TYPE_icmp,
    [LTS_ICMP6] = TYPE_icmp6,
    [LTS_SCTP] = TYPE_sctp,
    [LTS_CHUNK] = TYPE_chunk,
};
enum { KINDS = sizeof of_kind / sizeof *of_kind };

/* ---- answers ---- */

static void ask_all(void *object, object_type type);

enum { DEEPEST = 4 };
static int depth;
static lts_prefix *an_address;

static bool failed(bool failure) {
  if (failure) PROMISE(lts_error_last()->kind != LTS_E_NONE && *lts_error_last()->text);
  return failure;
}

static void use_number(int64_t number) {
  failed(number == LTS_FAILED);
  digest_bytes(&number, sizeof number);
}
static void use_count(lts_count count) { digest_bytes(&count, sizeof count); }
static void use_double(double number) { digest_bytes(&number, sizeof number); }
static void use_int(int number) { digest_bytes(&number, sizeof number); }
static void use_name(lts_name name) {
  if (name) digest_text(name);
}
static void use_line(lts_line line) {
  PROMISE(memchr(line.text, '\0', sizeof line.text));
  digest_text(line.text);
}
static void use_bytes(lts_bytes bytes) { digest_bytes(bytes.data, bytes.length); }

static void use_owned(lts_owned owned) {
  if (!failed(!owned.data)) digest_bytes(owned.data, owned.length);
  free(owned.data);
}

static bool use_presence(lts_presence presence) {
  failed(presence == LTS_CUT);
  use_int(presence);
  return presence == LTS_PRESENT;
}

static void use_text(lts_text text) {
  if (!use_presence(text.presence)) return;
  PROMISE(text.length >= 0 && text.length < (int)sizeof text.text);
  digest_bytes(text.text, (size_t)text.length);
}

static void use_address(lts_address address) {
  if (!use_presence(address.presence)) return;
  PROMISE(address.version == 4 || address.version == 6);
  digest_bytes(address.bytes, address.version == 4 ? 4 : 16);
}

static void use_unsigned(lts_unsigned number) {
  if (use_presence(number.presence)) use_count(number.value);
}

static void use_key(lts_key key) {
  if (!use_presence(key.presence)) return;
  PROMISE(key.length > 0 && key.length <= (int)sizeof key.bytes);
  digest_bytes(key.bytes, (size_t)key.length);
}

static void use_time(lts_time time) {
  if (failed(time.seconds == LTS_FAILED)) return;
  PROMISE(time.microseconds >= 0 && time.microseconds < 1000000);
  use_number(time.seconds);
  use_int(time.microseconds);
}

static void use_names(lts_names names) {
  if (failed(names.count < 0)) return;
  for (int i = 0; i < names.count; i++) digest_text(names.names[i]);
}

static void use_numbers(lts_numbers numbers) {
  if (failed(numbers.count < 0)) return;
  digest_bytes(numbers.values, (size_t)numbers.count * sizeof *numbers.values);
}

static void use_options(lts_options options) {
  if (failed(options.count < 0)) return;
  for (int i = 0; i < options.count; i++) {
    const lts_option *option = &options.items[i];
    use_int(option->kind);
    use_bytes(option->value);
    digest_bytes(option->numbers, (size_t)option->count * sizeof *option->numbers);
  }
}

static void use_array(lts_array array) {
  digest_text(array.format);
  digest_bytes(array.memory, array.count * array.size * (array.width ? array.width : 1));
}

/* ---- objects ---- */

static void use_prefix(lts_new_prefix prefix) {
  if (failed(!prefix)) return;
  ask_all(prefix, TYPE_prefix);
  delete_lts_prefix(prefix);
}

static void use_object(object_type type, void *object) {
  if (failed(object == LTS_NO_LAYER)) return;
  use_int(object ? type : TYPE_NONE);
  if (!object) return;
  ask_all(object, type);
  delete_lts_packet(object);
}

#define USE_LAYER(NAME)                                                                            \
  static void use_##NAME(lts_##NAME *layer) { use_object(TYPE_##NAME, layer); }
LTS_LAYERS(USE_LAYER)
USE_LAYER(packet)

static void use_value(lts_value value) {
  use_int((int)value.kind);
  failed(value.kind == LTS_VALUE_FAILED);
  if (value.kind == LTS_VALUE_BYTES)
    digest_bytes(value.bytes.data ? value.bytes.data : value.room, value.bytes.length);
  if (value.kind == LTS_VALUE_LAYER) use_object(of_kind[value.type], value.layer);
}

static void use_list(lts_list list) {
  if (failed(list.length < 0)) return;
  for (int i = 0; i < list.length; i++) use_object(TYPE_chunk, list.items[i]);
  free(list.items);
}

static void use_layer_list(lts_layer_list list) {
  if (failed(list.count < 0)) return;
  for (int i = 0; i < list.count; i++) {
    const lts_layer_item *item = &list.items[i];
    digest_text(item->name);
    use_number(item->offset);
    use_number(item->length);
    if (item->object) use_object(of_kind[item->kind], item->object);
  }
}

/* ---- calls ---- */

#define CASE(TYPE, USER)                                                                           \
  TYPE:                                                                                            \
  USER
#define LAYER_CASE(NAME) CASE(lts_##NAME *, use_##NAME),
#define USE(VALUE)                                                                                 \
  _Generic((VALUE), LTS_LAYERS(LAYER_CASE) CASE(lts_packet *, use_packet),                         \
           CASE(int64_t, use_number), CASE(uint64_t, use_count), CASE(uint32_t, use_count),        \
           CASE(double, use_double), CASE(int, use_int), CASE(lts_name, use_name),                 \
           CASE(lts_line, use_line), CASE(lts_bytes, use_bytes), CASE(lts_owned, use_owned),       \
           CASE(lts_text, use_text), CASE(lts_address, use_address),                               \
           CASE(lts_unsigned, use_unsigned), CASE(lts_key, use_key), CASE(lts_time, use_time),     \
           CASE(lts_names, use_names), CASE(lts_numbers, use_numbers),                             \
           CASE(lts_options, use_options), CASE(lts_new_prefix, use_prefix),                       \
           CASE(lts_value, use_value), CASE(lts_list, use_list), CASE(lts_array, use_array),       \
           CASE(lts_layer_list, use_layer_list))(VALUE)

#define ASK(TYPE, FUNCTION)                                                                        \
  static void call_##FUNCTION(void *object) { USE(FUNCTION(object)); }
#define DO ASK
#define SET_NUMBER(TYPE, FUNCTION)                                                                 \
  static void call_##FUNCTION(void *object) { USE(FUNCTION(object, (int)(digest % 300))); }
#define SET_PREFIX(TYPE, FUNCTION)                                                                 \
  static void call_##FUNCTION(void *object) { USE(FUNCTION(object, an_address)); }
#include "tests/fuzz/calls.h"
#undef ASK
#undef DO
#undef SET_NUMBER
#undef SET_PREFIX

/* What else takes an object. */

static void call_constructors(void *object) {
  for (int kind = 0; kind < KINDS; kind++)
    use_object(of_kind[kind], lts_layer_from_layer((lts_layer_kind)kind, object));
}

static void use_flow(lts_more more, lts_flow *flow) {
  use_int(more);
  if (failed(more == LTS_FAIL) || more == LTS_END) return;
  ask_all(flow, TYPE_flow);
  delete_lts_flow(flow);
}

static void call_flow(void *object) {
  lts_flow *flow = NULL;
  lts_more more = lts_flow_of(object, &flow);
  use_flow(more, flow);
}

static void call_home_flow(void *object) {
  static const char *const networks[] = {"192.0.2.0/24", "2001:db8::/32", "0.0.0.0/1"};
  enum { NETWORKS = sizeof networks / sizeof *networks };
  lts_prefix *prefixes[NETWORKS];
  for (int i = 0; i < NETWORKS; i++) prefixes[i] = lts_prefix_from_s(networks[i]);
  lts_home *home = new_lts_home(prefixes, NETWORKS);
  for (int i = 0; i < NETWORKS; i++) delete_lts_prefix(prefixes[i]);
  lts_flow *flow = NULL;
  lts_more more = lts_home_flow(home, object, &flow);
  use_flow(more, flow);
  ask_all(home, TYPE_home);
  delete_lts_home(home);
}

static void call_option(void *object) {
  for (int kind = 0; kind < 256; kind += kind < 10 ? 1 : 49)
    use_value(lts_tcp_option(object, kind));
}

static void call_data_set(void *object) {
  uint64_t bytes[] = {digest, ~digest};
  use_int(lts_packet_data_set(object, (lts_bytes){(uint8_t *)bytes, digest % sizeof bytes}));
}

/* ---- every call of every type ---- */

static const struct {
  object_type type;
  bool changes;
  void (*call)(void *object);
} calls[] = {
#define ASK(TYPE, FUNCTION) {TYPE_##TYPE, false, call_##FUNCTION},
#define DO(TYPE, FUNCTION) {TYPE_##TYPE, true, call_##FUNCTION},
#define SET_NUMBER DO
#define SET_PREFIX DO
#include "tests/fuzz/calls.h"
    {TYPE_packet, false, call_constructors}, {TYPE_packet, false, call_flow},
    {TYPE_packet, false, call_home_flow},    {TYPE_packet, true, call_data_set},
    {TYPE_tcp, false, call_option},
};

static bool changing;

static void ask_type(void *object, object_type type) {
  enum { CALLS = sizeof calls / sizeof *calls };
  static int first[TYPES], next[CALLS]; /* the calls of each type, from 1 on */
  if (!first[TYPE_packet])
    for (int i = CALLS - 1; i >= 0; i--) {
      next[i] = first[calls[i].type];
      first[calls[i].type] = i + 1;
    }
  for (int i = first[type]; i; i = next[i - 1]) {
    if (calls[i - 1].changes && !changing) continue;
    lts_error_clear();
    calls[i - 1].call(object);
  }
}

/* A layer has all that a packet has, but no further objects in it. */
static void ask_all(void *object, object_type type) {
  if (depth == DEEPEST) return;
  int before = depth++;
  for (; type; type = bases[type]) {
    if (type == TYPE_packet && before) depth = DEEPEST;
    ask_type(object, type);
  }
  depth = before;
}

/* ---- packets ---- */

static uint64_t fresh_digest(void *object, object_type type) {
  const uint64_t basis = 0xcbf29ce484222325; /* FNV-1a */
  digest = basis;
  ask_all(object, type);
  return digest;
}

uint64_t touch_once(lts_packet *packet, lts_layer_kind kind) {
  return fresh_digest(packet, of_kind[kind]);
}

uint64_t touch(lts_packet *packet, lts_layer_kind kind) {
  uint64_t first = touch_once(packet, kind);
  PROMISE(touch_once(packet, kind) == first);
  return first;
}

void touch_and_change(lts_packet *packet, lts_layer_kind kind) {
  an_address = lts_prefix_from_s(digest % 2 ? "203.0.113.9" : "2001:db8:9::9");
  changing = true;
  touch_once(packet, kind);
  changing = false;
  delete_lts_prefix(an_address);
}

void touch_trace(lts_trace *trace) {
  fresh_digest(trace, TYPE_trace);
  for (int i = 0; i < LTS_STATISTICS; i++) use_count(lts_trace_statistic(trace, i));
}

void touch_output(lts_output *output) { fresh_digest(output, TYPE_output); }

static lts_packet *copy_of(lts_packet *packet) {
  lts_owned frozen = lts_packet_freeze(packet);
  PROMISE(frozen.data);
  lts_packet *copy = lts_packet_load((lts_bytes){frozen.data, frozen.length});
  PROMISE(copy != LTS_NO_LAYER);
  free(frozen.data);
  return copy;
}

static void write_packet(lts_packet *packet, unsigned choice) {
  lts_output *output = open_output("/dev/null", choice);
  failed(lts_output_write_packet(output, packet) != LTS_OK);
  touch_output(output);
  failed(lts_output_close(output) != LTS_OK);
  delete_lts_output(output);
}

void touch_states(lts_packet *packet) {
  uint64_t before = touch(packet, LTS_PACKET);
  lts_packet *copy = copy_of(packet);
  PROMISE(touch_once(copy, LTS_PACKET) == before);
  touch_and_change(copy, LTS_PACKET);
  touch_once(copy, LTS_PACKET);
  write_packet(copy, (unsigned)before);
  delete_lts_packet(copy);
  PROMISE(lts_packet_pin(packet) == LTS_OK);
  PROMISE(touch_once(packet, LTS_PACKET) == before);
}

void touch_batch(lts_batch *batch, lts_rows_of of) {
  fresh_digest(batch, TYPE_batch);
  int rows = (int)lts_batch_rows_get(batch);
  for (int column = 0; lts_column_name(of, column); column++) {
    lts_field nulls = lts_batch_nulls(batch, column);
    PROMISE(nulls >= 0 && nulls <= rows);
    for (lts_part part = LTS_PART_VALIDITY; part <= LTS_PART_DATA; part++) {
      lts_buffer *buffer = new_lts_buffer(batch, column, part, 0, rows);
      PROMISE(buffer);
      ask_all(buffer, TYPE_buffer);
      delete_lts_buffer(buffer);
    }
  }
}

lts_output *open_output(const char *path, unsigned choice) {
  static const char *const schemes[] = {"pcapfile", "erf", "pcapng", "duck"};
  enum { SCHEMES = sizeof schemes / sizeof *schemes };
  char uri[256];
  snprintf(uri, sizeof uri, "%s:%s", schemes[choice % SCHEMES], path);
  lts_output *output = new_lts_output(uri);
  PROMISE(output && lts_output_start(output) == LTS_OK);
  return output;
}
