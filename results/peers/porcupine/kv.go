package main

import (
	"hash/fnv"
	"strings"

	"github.com/anishathalye/porcupine"
)

// A call of a map from texts to texts, all of them empty at first.
type kvCall struct {
	kind  byte // g, p or a
	key   string
	value string
}

// {:process 3, :type :invoke, :f :append, :key "2", :value "x 3 0 y"}
func kvLine(text string) (event, bool) {
	if !strings.HasPrefix(text, "{") {
		return event{}, false
	}
	f := field(text, ":f :")
	if f != "get" && f != "put" && f != "append" {
		return event{}, false
	}
	call := kvCall{kind: f[0], key: field(text, ":key"), value: field(text, ":value")}
	parsed := event{process: field(text, ":process"), what: field(text, ":type :"), input: call, reads: f == "get"}
	if f == "get" {
		parsed.output = call.value
	}
	return parsed, true
}

// The value of one key after a call; and whether the answer fits.
func kvStep(before string, call kvCall, output interface{}) (bool, string) {
	switch call.kind {
	case 'g':
		return output == nil || output == before, before
	case 'p':
		return true, call.value
	default:
		return true, before + call.value
	}
}

var kvModel = porcupine.Model{
	PartitionEvent: func(history []porcupine.Event) [][]porcupine.Event {
		var parts [][]porcupine.Event
		ofKey, ofCall := map[string]int{}, map[int]int{}
		for _, one := range history {
			if one.Kind == porcupine.CallEvent {
				key := one.Value.(kvCall).key
				if _, isKnown := ofKey[key]; !isKnown {
					ofKey[key] = len(parts)
					parts = append(parts, nil)
				}
				ofCall[one.Id] = ofKey[key]
			}
			part := ofCall[one.Id]
			parts[part] = append(parts[part], one)
		}
		return parts
	},
	Init: func() interface{} { return "" },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		fits, after := kvStep(state.(string), input.(kvCall), output)
		return fits, after
	},
	Hash: func(state interface{}) uint64 { return hashOf(state.(string)) },
}

// The same without a partition: the state is the whole map.
var kvWholeModel = porcupine.Model{
	Init: func() interface{} { return map[string]string{} },
	Step: func(state, input, output interface{}) (bool, interface{}) {
		all, call := state.(map[string]string), input.(kvCall)
		fits, after := kvStep(all[call.key], call, output)
		if !fits || call.kind == 'g' {
			return fits, state
		}
		changed := make(map[string]string, len(all)+1)
		for key, value := range all {
			changed[key] = value
		}
		changed[call.key] = after
		return true, changed
	},
	Equal: func(one, other interface{}) bool {
		a, b := one.(map[string]string), other.(map[string]string)
		if len(a) != len(b) {
			return false
		}
		for key, value := range a {
			if b[key] != value {
				return false
			}
		}
		return true
	},
	Hash: func(state interface{}) uint64 {
		var all uint64
		for key, value := range state.(map[string]string) {
			all ^= hashOf(key + "\x00" + value)
		}
		return all
	},
}

func hashOf(text string) uint64 {
	hash := fnv.New64a()
	hash.Write([]byte(text))
	return hash.Sum64()
}
