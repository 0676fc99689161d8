package main

import (
	"bytes"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestArmsHaveAProcessorToThemselves(t *testing.T) {
	for _, c := range []struct {
		name    string
		allowed []int
		want    cores
		said    string
	}{
		{"of two each side has one", []int{0, 1}, cores{[]int{0}, []int{1}}, "arms on processor 0, app and load and Redis on [1]"},
		{"of more the load has the rest", []int{2, 3, 7}, cores{[]int{2}, []int{3, 7}}, "arms on processor 2, app and load and Redis on [3 7]"},
		{"one alone is everybody's", []int{0}, cores{}, "all processes on any processor"},
		{"where it cannot be told nothing is bound", nil, cores{}, "all processes on any processor"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := share(c.allowed)
			if !slices.Equal(got.arms, c.want.arms) || !slices.Equal(got.rest, c.want.rest) || got.String() != c.said {
				t.Errorf("%+v: %s", got, got)
			}
		})
	}
}

func TestAProgramRunsWhereItIsBound(t *testing.T) {
	allowed, err := allowedProcessors()
	if err != nil || len(allowed) == 0 {
		t.Fatalf("processors %v: %v", allowed, err)
	}
	for _, bound := range [][]int{allowed[len(allowed)-1:], allowed[:1], nil} {
		want := len(bound)
		if bound == nil {
			want = len(allowed)
		}
		var said bytes.Buffer
		cmd := exec.Command("/bin/sh", "-c", "nproc")
		cmd.Stdout = &said
		if err := startOn(bound, cmd); err != nil {
			t.Fatal(err)
		}
		if err := cmd.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := strings.TrimSpace(said.String()); got != strconv.Itoa(want) {
			t.Errorf("bound to %v it runs on %s", bound, got)
		}
	}
	if after, err := allowedProcessors(); err != nil || !slices.Equal(after, allowed) {
		t.Errorf("we ourselves were left bound to %v: %v", after, err)
	}
}

func TestAProgramThatCannotBeBoundIsNotStarted(t *testing.T) {
	cmd := exec.Command("/bin/true")
	if err := startOn([]int{maxProcessors - 1}, cmd); err == nil || cmd.Process != nil {
		t.Errorf("it was started: %v", err)
	}
}
