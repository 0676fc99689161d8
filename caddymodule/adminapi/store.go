package adminapi

import (
	"net/http"
	"time"

	"example.com/sidegate/sessionstore"
)

// storeRoutes keep the file of an embedded store in order.
var storeRoutes = []route{
	{path: "store/backup", methods: map[string]method{http.MethodGet: {answer: backup}}},
	{path: "store/check", methods: map[string]method{http.MethodGet: {answer: checkStore}}},
	{path: "store/compact", methods: map[string]method{http.MethodPost: {answer: compact}}},
}

// fileStore is the store of the configuration in force, if that is a file.
func (c *call) fileStore() (sessionstore.FileStore, error) {
	d, err := c.desk()
	if err != nil {
		return nil, err
	}
	if d.File == nil {
		return nil, fault(http.StatusConflict, "the store of this gateway is no file (`store embedded`): redis is copied and checked with its own tools "+
			"(BGSAVE, redis-check-rdb), and what is in memory is gone with the gateway")
	}
	return d.File, nil
}

// backup sends a copy of the file. Its records are sealed, and the secret is no part
// of it. One that breaks off is cut off, so that nobody takes it for whole.
func backup(c *call) error {
	store, err := c.fileStore()
	if err != nil {
		return err
	}
	c.w.Header().Set("Content-Type", "application/octet-stream")
	c.w.Header().Set("Connection", "close") // the deadline of its last part is that of the connection
	n, err := store.Backup(c.r.Context(), paced{c.w})
	switch {
	case err != nil && n > 0:
		panic(http.ErrAbortHandler)
	case err != nil:
		return undone(err, "see whether there is room beside the file, and try again")
	}
	return nil
}

// patience is how long somebody may take nothing of a copy.
const patience = time.Minute

// paced writes to who takes something now and then, and gives up on who neither reads
// nor goes away: a copy has its room on the disk for as long as it is read.
type paced struct{ http.ResponseWriter }

// Write implements io.Writer.
func (p paced) Write(b []byte) (int, error) {
	_ = http.NewResponseController(p.ResponseWriter).SetWriteDeadline(time.Now().Add(patience)) // a connection that has none is a test's
	return p.ResponseWriter.Write(b)
}

func checkStore(c *call) error {
	store, err := c.fileStore()
	if err != nil {
		return err
	}
	report, err := store.Check(c.r.Context())
	if err != nil {
		return undone(err, "see whether there is room beside the file, and try again")
	}
	return c.reply(report)
}

// undone says why nothing was done with the file, and what to do: what the store says
// of that itself, where it does.
func undone(err error, remedy string) error {
	if said := refused(err); said != "" {
		return fault(http.StatusServiceUnavailable, "%s. Then try again", said)
	}
	return fault(http.StatusServiceUnavailable, "%s: %s", shown(err.Error()), remedy)
}

// Compacted is what compacting answers: the size of the file in bytes.
type Compacted struct {
	Before int64 `json:"before"`
	After  int64 `json:"after"`
}

func compact(c *call) error {
	store, err := c.fileStore()
	if err != nil {
		return err
	}
	before, after, err := store.Compact(c.r.Context())
	if err != nil {
		return undone(err, "the file is as it was, unless the folder could not be written to disk; see whether there is room beside it, and try again")
	}
	return c.reply(Compacted{before, after})
}
