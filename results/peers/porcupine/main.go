// Judges histories with Porcupine, for measurements beside squall's own checker:
//
//	porcupine-judge MODEL FILE ...
//
// MODEL is register (one register in Jepsen's form, one event a line, as linearizable_bench writes it), etcd (Jepsen's
// log lines), kv (maps of get, put and append, judged key by key) or kv-whole (the same, as one object). It prints one
// line a file: the result, the processor seconds of the check alone, and the peak memory of the process in MB.
package main

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"syscall"

	"github.com/anishathalye/porcupine"
)

func main() {
	if len(os.Args) < 3 {
		fail("usage: porcupine-judge register|etcd|kv|kv-whole FILE ...")
	}
	form, known := forms[os.Args[1]]
	if !known {
		fail("there is no model " + os.Args[1] + "; there are register, etcd, kv and kv-whole")
	}
	for _, file := range os.Args[2:] {
		events := read(file, form.line)
		begun := used()
		result := porcupine.CheckEventsTimeout(form.model, events, 0)
		fmt.Printf("%s %.6f %d\n", result, used()-begun, peakMB())
	}
}

// A form of histories, and the model that judges them.
type form struct {
	line  func(text string) (event, bool)
	model porcupine.Model
}

var forms = map[string]form{
	"register": {registerLine, registerModel},
	"etcd":     {logLine, registerModel},
	"kv":       {kvLine, kvModel},
	"kv-whole": {kvLine, kvWholeModel},
}

// The processor seconds that this process has used, garbage collection included.
func used() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail("the processor time is not to be had: " + err.Error())
	}
	seconds := func(t syscall.Timeval) float64 { return float64(t.Sec) + float64(t.Usec)/1e6 }
	return seconds(usage.Utime) + seconds(usage.Stime)
}

// The most memory that this process ever had.
func peakMB() int {
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		return 0
	}
	for _, line := range strings.Split(string(status), "\n") {
		if words := strings.Fields(line); len(words) > 1 && words[0] == "VmHWM:" {
			kilobytes, _ := strconv.Atoi(words[1])
			return kilobytes / 1024
		}
	}
	return 0
}

func fail(why string) {
	fmt.Fprintln(os.Stderr, "porcupine-judge: "+why)
	os.Exit(1)
}
