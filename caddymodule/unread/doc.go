// Package unread sees that an answer which comes before the end of a request's
// body reaches who still sends it. Over HTTP/1.1 the connection ends behind such
// an answer, and a connection that ends with bytes nobody has read is reset: the
// answer is lost with it (RFC 9112 section 9.6). Over HTTP/2 the stream is reset,
// which says that nothing is wrong (RFC 9113 section 8.1), and some clients drop
// what they have of the answer all the same. So the answer is sent, whole, and then
// what still comes is read and thrown away: so many bytes, for so long, of so many
// requests at a time. Then the connection, or the stream, ends all the same.
package unread
