// A client of drdrill for NATS JetStream, in Go's standard library alone: the same as client.py.
//
// Requests of one session come one after the other, so each session is a goroutine with a connection of its own. What is
// asked: docs/guide/own-client.md.
package main

import (
	"bufio"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

type object = map[string]any

var (
	nodes  = map[string]string{}
	stream string
	talk   sync.Mutex
)

// refused is what a server says no to: certainly not done.
type refused string

func (r refused) Error() string { return string(r) }

type connection struct {
	net.Conn
	lines   *bufio.Reader
	inbox   string
	server  string
	version string
	count   int
}

func open(address string, limit time.Duration) (*connection, error) {
	socket, err := net.DialTimeout("tcp", net.JoinHostPort(address, "4222"), limit)
	if err != nil {
		return nil, err
	}
	c := &connection{Conn: socket, lines: bufio.NewReader(socket)}
	socket.SetDeadline(time.Now().Add(limit))
	line, err := c.lines.ReadString('\n')
	var info struct {
		Server  string `json:"server_name"`
		Version string `json:"version"`
	}
	if err != nil || json.Unmarshal([]byte(strings.TrimPrefix(line, "INFO ")), &info) != nil {
		socket.Close()
		return nil, errors.New("no greeting")
	}
	c.server, c.version = info.Server, info.Version
	c.inbox = fmt.Sprintf("_INBOX.%d.%s", time.Now().UnixNano(), strings.ReplaceAll(socket.LocalAddr().String(), ".", "-"))
	hello := `{"verbose":false,"pedantic":false,"lang":"go","version":"1","headers":true,"no_responders":true}`
	_, err = fmt.Fprintf(c, "CONNECT %s\r\nSUB %s.* 1\r\n", hello, c.inbox)
	return c, err
}

// ask publishes, and waits for the answer to this very message.
func (c *connection) ask(subject, body string, until time.Time) (object, error) {
	c.count++
	to := fmt.Sprintf("%s.%d", c.inbox, c.count)
	c.SetDeadline(until)
	if _, err := fmt.Fprintf(c, "PUB %s %s %d\r\n%s\r\n", subject, to, len(body), body); err != nil {
		return nil, err
	}
	for {
		line, err := c.lines.ReadString('\n')
		if err != nil {
			return nil, err
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] == "PING":
			fmt.Fprint(c, "PONG\r\n")
		case words[0] == "-ERR":
			return nil, errors.New(strings.Trim(strings.Join(words[1:], " "), "'"))
		case words[0] == "MSG" || words[0] == "HMSG":
			size, _ := strconv.Atoi(words[len(words)-1])
			payload := make([]byte, size+2)
			if _, err := io.ReadFull(c.lines, payload); err != nil {
				return nil, err
			}
			if words[1] != to {
				continue
			}
			if words[0] == "HMSG" {
				return nil, refused("nobody answers")
			}
			var answer object
			err := json.Unmarshal(payload[:size], &answer)
			return answer, err
		}
	}
}

type session struct {
	requests chan object
	open     *connection
}

func begin() *session {
	s := &session{requests: make(chan object, 64)}
	go func() {
		for request := range s.requests {
			sent := false
			answer, err := s.act(request, &sent)
			if err != nil {
				s.drop()
				answer = failure(err, sent)
			}
			answer["id"] = request["id"]
			say(answer)
		}
		s.drop()
	}()
	return s
}

func failure(err error, sent bool) object {
	var no refused
	var slow net.Error
	words := err.Error()
	if errors.As(err, &slow) && slow.Timeout() {
		words = "timeout"
	}
	if errors.As(err, &no) || !sent {
		return object{"fail": words}
	}
	return object{"unsure": words}
}

func (s *session) drop() {
	if s.open != nil {
		s.open.Close()
		s.open = nil
	}
}

// connection goes to whichever node answers; it leads each request to the stream's leader by itself.
func (s *session) connection(until time.Time) (*connection, error) {
	if s.open != nil {
		return s.open, nil
	}
	last := errors.New("no node answers")
	for _, address := range nodes {
		limit := min(300*time.Millisecond, max(time.Millisecond, time.Until(until)))
		c, err := open(address, limit)
		if err == nil {
			s.open = c
			return c, nil
		}
		last = err
	}
	return nil, last
}

func (s *session) api(verb string, body object, until time.Time) (object, error) {
	c, err := s.connection(until)
	if err != nil {
		return nil, err
	}
	text := ""
	if body != nil {
		bytes, _ := json.Marshal(body)
		text = string(bytes)
	}
	answer, err := c.ask("$JS.API."+verb, text, until)
	if err != nil {
		return nil, err
	}
	return answer, refusal(answer)
}

func refusal(answer object) error {
	if no, ok := answer["error"].(object); ok {
		return refused(fmt.Sprint(no["description"]))
	}
	return nil
}

func (s *session) act(request object, sent *bool) (object, error) {
	ms, _ := request["ms"].(float64)
	until := time.Now().Add(time.Duration(ms) * time.Millisecond)
	what := request["do"]
	if _, pinned := request["node"]; pinned && what != "role" {
		return object{"fail": "a node hands requests on"}, nil
	}
	switch what {
	case "append":
		c, err := s.connection(until)
		if err != nil {
			return nil, err
		}
		*sent = true
		answer, err := c.ask(fmt.Sprintf("%s.%v", stream, request["list"]), request["element"].(string), until)
		if err == nil {
			err = refusal(answer)
		}
		return object{"ok": true}, err
	case "read":
		last := object{"last_by_subj": fmt.Sprintf("%s.%v", stream, request["list"])}
		answer, err := s.api("STREAM.MSG.GET."+stream, last, until)
		if none(err) {
			return object{"ok": true, "elements": []string{}}, nil
		} else if err != nil {
			return nil, err
		}
		return object{"ok": true, "elements": []string{text(answer["message"].(object))}}, nil
	case "final-read":
		return s.all()
	case "role":
		return s.role(fmt.Sprint(request["node"]), until)
	}
	s.drop()
	return object{"ok": true}, nil
}

func (s *session) all() (object, error) {
	until, lists, sequence := time.Now().Add(50*time.Second), map[string][]string{}, 0.0
	for {
		next := object{"seq": sequence + 1, "next_by_subj": stream + ".*"}
		answer, err := s.api("STREAM.MSG.GET."+stream, next, until)
		if none(err) {
			return object{"ok": true, "lists": lists}, nil
		} else if err != nil {
			return nil, err
		}
		message := answer["message"].(object)
		sequence = message["seq"].(float64)
		subject := message["subject"].(string)
		list := subject[strings.LastIndex(subject, ".")+1:]
		lists[list] = append(lists[list], text(message))
	}
}

// role: a node answers for itself that it lives; who leads the stream, and who is behind, its leader says.
func (s *session) role(node string, until time.Time) (object, error) {
	if s.open == nil || s.open.server != node {
		s.drop()
		c, err := open(nodes[node], max(time.Millisecond, time.Until(until)))
		if err != nil {
			return nil, err
		}
		s.open = c
	}
	answer, err := s.api("STREAM.INFO."+stream, nil, until)
	if err != nil {
		return nil, err
	}
	cluster, _ := answer["cluster"].(object)
	if cluster["leader"] == node {
		return object{"ok": true, "role": "primary", "lag": 0}, nil
	}
	behind := any(1)
	replicas, _ := cluster["replicas"].([]any)
	for _, one := range replicas {
		peer := one.(object)
		if peer["name"] == node && peer["current"] == true {
			behind = 0
			if lag, told := peer["lag"]; told {
				behind = lag
			}
		}
	}
	return object{"ok": true, "role": "replica", "lag": behind, "follows": cluster["leader"]}, nil
}

func create(request object) (object, error) {
	for name, address := range request["nodes"].(object) {
		nodes[name] = address.(string)
	}
	stream = "drdrill-" + request["run"].(string)
	body := object{"name": stream, "subjects": []string{stream + ".*"}, "num_replicas": min(3, len(nodes)), "storage": "file"}
	until, s := time.Now().Add(25*time.Second), &session{}
	for {
		// A cluster that has no leader yet answers nothing, and what was asked then is never answered.
		soon := time.Now().Add(3 * time.Second)
		err := s.clear(soon)
		if err == nil {
			_, err = s.api("STREAM.CREATE."+stream, body, soon)
		}
		if err == nil {
			return object{"ok": true, "version": "NATS " + s.open.version}, nil
		}
		s.drop()
		if time.Until(until) < 5*time.Second {
			return nil, err
		}
		time.Sleep(500 * time.Millisecond)
	}
}

// clear deletes what other runs left: drdrill holds the nodes, so none of them is alive.
func (s *session) clear(until time.Time) error {
	answer, err := s.api("STREAM.NAMES", object{}, until)
	left, _ := answer["streams"].([]any)
	for _, one := range left {
		name := fmt.Sprint(one)
		if err == nil && strings.HasPrefix(name, "drdrill-") && name != stream {
			_, err = s.api("STREAM.DELETE."+name, nil, until)
		}
	}
	return err
}

func none(err error) bool { return err != nil && strings.Contains(err.Error(), "no message found") }

func text(message object) string {
	bytes, _ := base64.StdEncoding.DecodeString(message["data"].(string))
	return string(bytes)
}

func say(answer object) {
	bytes, _ := json.Marshal(answer)
	talk.Lock()
	defer talk.Unlock()
	os.Stdout.Write(append(bytes, '\n'))
}

func main() {
	sessions, lines := map[string]*session{}, bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		var request object
		if json.Unmarshal(lines.Bytes(), &request) != nil {
			continue
		}
		what, name := request["do"], request["session"].(string)
		if what == "open" || what == "remove" {
			answer, err := object{"ok": true}, error(nil)
			if what == "open" {
				answer, err = create(request)
			} else {
				_, err = (&session{}).api("STREAM.DELETE."+stream, nil, time.Now().Add(20*time.Second))
			}
			if err != nil {
				answer = object{"fail": err.Error()}
			}
			answer["id"] = request["id"]
			say(answer)
			continue
		}
		if sessions[name] == nil {
			sessions[name] = begin()
		}
		sessions[name].requests <- request
		if what == "reset" {
			close(sessions[name].requests)
			delete(sessions, name)
		}
	}
}
