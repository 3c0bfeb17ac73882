package main

import (
	"bufio"
	"os"
	"strings"

	"github.com/anishathalye/porcupine"
)

// A line of a history.
type event struct {
	process string
	what    string // invoke, ok, fail or info
	input   interface{}
	output  interface{}
	reads   bool
}

// What is known of a call after the whole file was read.
type fate struct {
	output interface{}
	what   string
	reads  bool
}

// Reads a history as Porcupine takes it. What failed did not happen, and is left out, as are reads whose answer nobody
// saw. Other calls without an answer return at the end.
func read(name string, parse func(string) (event, bool)) []porcupine.Event {
	file, err := os.Open(name)
	if err != nil {
		fail(err.Error())
	}
	defer file.Close()
	lines := bufio.NewScanner(file)
	lines.Buffer(make([]byte, 1<<20), 1<<24)
	var events []porcupine.Event
	var fates []fate
	pending := map[string]int{}
	for lines.Scan() {
		parsed, isEvent := parse(lines.Text())
		if !isEvent {
			continue
		}
		if parsed.what == "invoke" {
			id := len(fates)
			pending[parsed.process] = id
			fates = append(fates, fate{what: "info", reads: parsed.reads})
			events = append(events, porcupine.Event{Kind: porcupine.CallEvent, Value: parsed.input, Id: id})
			continue
		}
		id, isPending := pending[parsed.process]
		if !isPending {
			continue
		}
		delete(pending, parsed.process)
		fates[id].what, fates[id].output = parsed.what, parsed.output
		if parsed.what == "ok" {
			events = append(events, porcupine.Event{Kind: porcupine.ReturnEvent, Value: parsed.output, Id: id})
		}
	}
	if err := lines.Err(); err != nil {
		fail(name + ": " + err.Error())
	}
	return closed(events, fates)
}

func closed(events []porcupine.Event, fates []fate) []porcupine.Event {
	kept := events[:0]
	for _, one := range events {
		if f := fates[one.Id]; f.what == "ok" || (f.what == "info" && !f.reads) {
			kept = append(kept, one)
		}
	}
	for id, f := range fates {
		if f.what == "info" && !f.reads {
			kept = append(kept, porcupine.Event{Kind: porcupine.ReturnEvent, Value: nil, Id: id})
		}
	}
	return kept
}

// What stands behind a keyword in a line of EDN, up to the next comma or the end.
func field(text, name string) string {
	at := strings.Index(text, name)
	if at < 0 {
		return ""
	}
	rest := strings.TrimLeft(text[at+len(name):], " ")
	if strings.HasPrefix(rest, "\"") {
		if end := strings.IndexByte(rest[1:], '"'); end >= 0 {
			return rest[1 : end+1]
		}
	}
	if end := strings.IndexAny(rest, ",}"); end >= 0 {
		return rest[:end]
	}
	return rest
}
