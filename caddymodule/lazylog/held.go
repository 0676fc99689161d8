package lazylog

import (
	"slices"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
)

// held are the fields of a logger, in their order, as they were given. What a
// namespace is opened in front of falls into it when they are written down.
type held struct{ fields []zapcore.Field }

// room is for how many fields there is from the first one on; few loggers have more.
const room = 4

func (h *held) hold(field zapcore.Field) {
	if h.fields == nil {
		h.fields = make([]zapcore.Field, 0, room)
	}
	h.fields = append(h.fields, field)
}

// AddArray and the methods below implement zapcore.ObjectEncoder.
func (h *held) AddArray(key string, value zapcore.ArrayMarshaler) error {
	h.hold(zap.Array(key, value))
	return nil
}

// AddObject holds the object itself.
func (h *held) AddObject(key string, value zapcore.ObjectMarshaler) error {
	h.hold(zap.Object(key, value))
	return nil
}

// AddReflected holds the value itself.
func (h *held) AddReflected(key string, value any) error {
	h.hold(zap.Reflect(key, value))
	return nil
}

// AddBinary copies: who logs may use the bytes for something else.
func (h *held) AddBinary(key string, value []byte) { h.hold(zap.Binary(key, slices.Clone(value))) }

// AddByteString copies, too.
func (h *held) AddByteString(key string, value []byte) {
	h.hold(zap.ByteString(key, slices.Clone(value)))
}

func (h *held) AddBool(key string, value bool)              { h.hold(zap.Bool(key, value)) }
func (h *held) AddComplex128(key string, value complex128)  { h.hold(zap.Complex128(key, value)) }
func (h *held) AddComplex64(key string, value complex64)    { h.hold(zap.Complex64(key, value)) }
func (h *held) AddDuration(key string, value time.Duration) { h.hold(zap.Duration(key, value)) }
func (h *held) AddFloat64(key string, value float64)        { h.hold(zap.Float64(key, value)) }
func (h *held) AddFloat32(key string, value float32)        { h.hold(zap.Float32(key, value)) }
func (h *held) AddInt(key string, value int)                { h.hold(zap.Int(key, value)) }
func (h *held) AddInt64(key string, value int64)            { h.hold(zap.Int64(key, value)) }
func (h *held) AddInt32(key string, value int32)            { h.hold(zap.Int32(key, value)) }
func (h *held) AddInt16(key string, value int16)            { h.hold(zap.Int16(key, value)) }
func (h *held) AddInt8(key string, value int8)              { h.hold(zap.Int8(key, value)) }
func (h *held) AddString(key, value string)                 { h.hold(zap.String(key, value)) }
func (h *held) AddUint(key string, value uint)              { h.hold(zap.Uint(key, value)) }
func (h *held) AddUint64(key string, value uint64)          { h.hold(zap.Uint64(key, value)) }
func (h *held) AddUint32(key string, value uint32)          { h.hold(zap.Uint32(key, value)) }
func (h *held) AddUint16(key string, value uint16)          { h.hold(zap.Uint16(key, value)) }
func (h *held) AddUint8(key string, value uint8)            { h.hold(zap.Uint8(key, value)) }
func (h *held) AddUintptr(key string, value uintptr)        { h.hold(zap.Uintptr(key, value)) }

// AddTime leaves it to who writes the line how a time is told.
func (h *held) AddTime(key string, value time.Time) {
	h.hold(zapcore.Field{Key: key, Type: zapcore.TimeFullType, Interface: value})
}

// OpenNamespace has all that comes after it in it, fields of lines too.
func (h *held) OpenNamespace(key string) { h.hold(zap.Namespace(key)) }
