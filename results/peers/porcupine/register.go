package main

import (
	"strconv"
	"strings"

	"github.com/anishathalye/porcupine"
)

// A call of a register. A value of none is nil.
type registerCall struct {
	kind   byte // r, w or c
	value  int
	expect int
}

const none = -1 << 62

// A register that holds nil at first. An output of nil is an answer that nobody saw.
var registerModel = porcupine.Model{
	Init: func() interface{} { return none },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		call := input.(registerCall)
		switch call.kind {
		case 'r':
			return output == nil || output == state, state
		case 'w':
			return true, call.value
		default:
			if state != call.expect {
				return output == nil || output == false, state
			}
			return output == nil || output == true, call.value
		}
	},
	Hash: func(state interface{}) uint64 { return uint64(state.(int)) * 0x9e3779b97f4a7c15 },
}

// {:index 3, :type :ok, :process 1, :f :read, :value 2, :time 77}
func registerLine(text string) (event, bool) {
	if !strings.HasPrefix(text, "{") {
		return event{}, false
	}
	what, f := field(text, ":type :"), field(text, ":f :")
	return registerEvent(field(text, ":process"), what, f, field(text, ":value"), true)
}

// INFO  jepsen.util - 4	:invoke	:cas	[1 2]; a comparison that failed is an observation, a read that timed out is not
func logLine(text string) (event, bool) {
	_, rest, isLog := strings.Cut(text, "jepsen.util - ")
	words := strings.Fields(rest)
	if !isLog || len(words) < 4 || !strings.HasPrefix(words[1], ":") {
		return event{}, false
	}
	what, f := strings.TrimPrefix(words[1], ":"), strings.TrimPrefix(words[2], ":")
	return registerEvent(words[0], what, f, strings.Join(words[3:], " "), false)
}

func registerEvent(process, what, f, value string, failedMeansNothing bool) (event, bool) {
	parsed := event{process: process, what: what, reads: f == "read"}
	switch f {
	case "read":
		parsed.input, parsed.output = registerCall{kind: 'r'}, number(value)
	case "write":
		parsed.input, parsed.output = registerCall{kind: 'w', value: number(value)}, true
	case "cas":
		pair := strings.Fields(strings.Trim(value, "[]"))
		if len(pair) == 2 {
			parsed.input = registerCall{kind: 'c', expect: number(pair[0]), value: number(pair[1])}
		} else if what == "invoke" {
			return event{}, false
		}
		parsed.output = what == "ok"
		if what == "fail" && !failedMeansNothing {
			parsed.what = "ok"
		}
	default:
		return event{}, false
	}
	return parsed, true
}

func number(text string) int {
	value, err := strconv.Atoi(strings.TrimSpace(text))
	if err != nil {
		return none
	}
	return value
}
