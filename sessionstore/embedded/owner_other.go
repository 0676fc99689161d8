//go:build !unix

package embedded

import "os"

func giveTo(*os.File, os.FileInfo) error { return nil }
