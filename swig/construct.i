/* SPDX-License-Identifier: LGPL-3.0-or-later
 *
 * Calling a layer's type: IP(x) wraps another layer of the same packet, or a bytearray, or is None.
 */
%{
static const struct {
  lts_layer_kind kind;
  swig_type_info **descriptor;
} constructible[] = {
    {LTS_ICMP, &SWIGTYPE_p_lts_icmp}, {LTS_ICMP6, &SWIGTYPE_p_lts_icmp6},
    {LTS_IP, &SWIGTYPE_p_lts_ip},     {LTS_IP6, &SWIGTYPE_p_lts_ip6},
    {LTS_TCP, &SWIGTYPE_p_lts_tcp},   {LTS_UDP, &SWIGTYPE_p_lts_udp},
    {LTS_SCTP, &SWIGTYPE_p_lts_sctp},
};
enum { CONSTRUCTIBLE = sizeof constructible / sizeof *constructible };

/* The bytearray cannot be resized while a layer shows it. */
static lts_packet *layer_from_bytearray(lts_layer_kind kind, PyObject *bytes) {
  Py_buffer *view = (Py_buffer *)PyMem_Malloc(sizeof *view);
  if (!view) PyErr_NoMemory();
  if (!view || PyObject_GetBuffer(bytes, view, PyBUF_WRITABLE)) {
    PyMem_Free(view);
    return LTS_NO_LAYER;
  }
  lts_packet *layer =
      lts_layer_from_bytes(kind, (const uint8_t *)view->buf, (size_t)view->len, view);
  if (layer == LTS_NO_LAYER) interpreter.return_buffer(view);
  return layer;
}

static PyObject *construct(int index, PyObject *source) {
  lts_layer_kind kind = constructible[index].kind;
  lts_packet *layer, *packet = instance_of(SWIGTYPE_p_lts_packet, source);
  if (PyByteArray_CheckExact(source))
    layer = layer_from_bytearray(kind, source);
  else if (packet)
    layer = lts_layer_from_layer(kind, packet);
  else {
    PyErr_Format(PyExc_ValueError, "expected a packet's layer or a bytearray, not %.200s",
                 Py_TYPE(source)->tp_name);
    return NULL;
  }
  if (layer == LTS_NO_LAYER && !PyErr_Occurred()) raise_last_error();
  if (layer == LTS_NO_LAYER) return NULL;
  if (!layer) return SWIG_Py_Void();
  return packet_object(layer, *constructible[index].descriptor);
}

static PyObject *layer_new(PyTypeObject *type, PyObject *arguments, PyObject *keywords) {
  PyObject *source;
  for (int i = 0; i < CONSTRUCTIBLE; i++)
    if (type == type_of(*constructible[i].descriptor)) {
      if ((keywords && PyDict_Size(keywords)) || !PyArg_ParseTuple(arguments, "O", &source)) {
        PyErr_Format(PyExc_ValueError, "%.200s() takes one layer or bytearray", type->tp_name);
        return NULL;
      }
      return construct(i, source);
    }
  PyErr_Format(PyExc_TypeError, "a %.200s is not made, but got from a packet", type->tp_name);
  return NULL;
}

static int layer_init(PyObject *self, PyObject *arguments, PyObject *keywords) {
  (void)self, (void)arguments, (void)keywords;
  return 0;
}
%}

%init %{
  {
    swig_type_info *layers[] = {
        SWIGTYPE_p_lts_layer2, SWIGTYPE_p_lts_layer3,   SWIGTYPE_p_lts_transport,
        SWIGTYPE_p_lts_ip,     SWIGTYPE_p_lts_internet, SWIGTYPE_p_lts_ip6,
        SWIGTYPE_p_lts_tcp,    SWIGTYPE_p_lts_udp,      SWIGTYPE_p_lts_icmp,
        SWIGTYPE_p_lts_icmp6,  SWIGTYPE_p_lts_sctp,     SWIGTYPE_p_lts_chunk,
        SWIGTYPE_p_lts_echo,   SWIGTYPE_p_lts_redirect, SWIGTYPE_p_lts_echo6,
        SWIGTYPE_p_lts_param6, SWIGTYPE_p_lts_toobig6,  SWIGTYPE_p_lts_neighbour6,
    };
    for (size_t i = 0; i < sizeof layers / sizeof *layers; i++) {
      type_of(layers[i])->tp_new = layer_new;
      type_of(layers[i])->tp_init = layer_init;
    }
  }
%}
