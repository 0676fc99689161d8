package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// family is a process and all that descend from it, the eldest first: a server
// that works in children has its CPU counted where it is spent.
func family(proc fs.FS, pid int) ([]int, error) {
	children, err := byParent(proc)
	if err != nil {
		return nil, err
	}
	all := []int{pid}
	for i := 0; i < len(all); i++ {
		all = append(all, children[all[i]]...)
	}
	return all, nil
}

// byParent lists the processes of the machine by what they descend from.
func byParent(proc fs.FS) (map[int][]int, error) {
	files, err := fs.Glob(proc, "[0-9]*/stat")
	if err != nil {
		return nil, err
	}
	children := make(map[int][]int)
	for _, file := range files {
		text, err := fs.ReadFile(proc, file)
		if hasEnded(err) {
			continue
		}
		if err != nil {
			return nil, err
		}
		pid, parent, err := parseParent(file, text)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", file, err)
		}
		children[parent] = append(children[parent], pid)
	}
	for _, list := range children {
		slices.Sort(list)
	}
	return children, nil
}

// parseParent reads the process off the file's name, and its parent, the
// fourth field, off the text.
func parseParent(file string, text []byte) (pid, parent int, err error) {
	name, _, _ := strings.Cut(file, "/")
	if pid, err = strconv.Atoi(name); err != nil {
		return 0, 0, err
	}
	fields, err := afterName(text)
	if err != nil {
		return 0, 0, err
	}
	parent, err = strconv.Atoi(string(fields[1]))
	return pid, parent, err
}

// afterName are the fields of a stat from the third on. They are counted from
// the last parenthesis: the name in front of it may hold spaces and
// parentheses.
func afterName(text []byte) ([][]byte, error) {
	after := bytes.LastIndexByte(text, ')')
	fields := bytes.Fields(text[after+1:])
	if after < 0 || len(fields) < 13 {
		return nil, fmt.Errorf("%q is no stat of a process", text)
	}
	return fields, nil
}

// hasEnded tells that a process was there when /proc was listed, and is not
// any more: then the file cannot be opened, or not be read.
func hasEnded(err error) bool {
	return errors.Is(err, fs.ErrNotExist) || errors.Is(err, errNoProcess)
}
