// A driver of stories: makes each request with the client that openapi-generator generates for Go, in ./mincloud.
//
// It reads a request per line of its input and writes what the client gave its user, a line each, until the input ends.
// Operations, parameters and bodies are found by reflection, by the names that the contract has for them.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/cookiejar"
	"os"
	"reflect"
	"strings"
	"time"

	"driver/mincloud"
)

type request struct {
	ID          int                        `json:"id"`
	Operation   string                     `json:"operation"`
	Parameters  map[string]json.RawMessage `json:"parameters"`
	Body        json.RawMessage            `json:"body"`
	AccessToken *string                    `json:"access_token"`
}

// plain takes a name down to what the contract's and Go's have in common.
func plain(name string) string {
	return strings.ToLower(strings.NewReplacer("-", "", "_", "").Replace(name))
}

// operation finds the method of one of the client's services.
func operation(client *mincloud.APIClient, name string) (reflect.Value, error) {
	services := reflect.ValueOf(client).Elem()
	for index := range services.NumField() {
		field := services.Field(index)
		if !field.CanInterface() || field.Kind() != reflect.Pointer {
			continue
		}
		if method := field.MethodByName(strings.ToUpper(name[:1]) + name[1:]); method.IsValid() {
			return method, nil
		}
	}
	return reflect.Value{}, fmt.Errorf("the client has no operation %s", name)
}

// set calls the method of a request's builder that takes a parameter or the body.
func set(builder reflect.Value, matches func(name string, taken reflect.Type) bool, value json.RawMessage) (reflect.Value, error) {
	for index := range builder.NumMethod() {
		method := builder.Method(index)
		if method.Type().NumIn() != 1 || !matches(builder.Type().Method(index).Name, method.Type().In(0)) {
			continue
		}
		argument := reflect.New(method.Type().In(0))
		if err := json.Unmarshal(value, argument.Interface()); err != nil {
			return builder, err
		}
		return method.Call([]reflect.Value{argument.Elem()})[0], nil
	}
	return builder, fmt.Errorf("%s takes nothing for %s", builder.Type().Name(), value)
}

// ask makes a request.
func ask(asked request) (map[string]any, error) {
	configuration := mincloud.NewConfiguration()
	configuration.Servers = mincloud.ServerConfigurations{{URL: strings.TrimRight(os.Getenv("BASE_URL"), "/")}}
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	// http.DefaultClient keeps no cookies and waits for ever.
	configuration.HTTPClient = &http.Client{Jar: jar, Timeout: 30 * time.Second}
	arguments := []reflect.Value{reflect.ValueOf(context.Background())}
	if asked.AccessToken != nil {
		arguments[0] = reflect.ValueOf(context.WithValue(context.Background(), mincloud.ContextAccessToken, *asked.AccessToken))
	}
	method, err := operation(mincloud.NewAPIClient(configuration), asked.Operation)
	if err != nil {
		return nil, err
	}
	if method.Type().NumIn() == 2 { // the parameter in the path
		var name string
		if err := json.Unmarshal(asked.Parameters["function_name"], &name); err != nil {
			return nil, err
		}
		delete(asked.Parameters, "function_name")
		arguments = append(arguments, reflect.ValueOf(name))
	}
	builder := method.Call(arguments)[0]
	for name, value := range asked.Parameters {
		named := func(method string, _ reflect.Type) bool { return plain(method) == plain(name) }
		if builder, err = set(builder, named, value); err != nil {
			return nil, err
		}
	}
	if asked.Body != nil {
		body := func(method string, taken reflect.Type) bool { return taken.Kind() == reflect.Struct && method == taken.Name() }
		if builder, err = set(builder, body, asked.Body); err != nil {
			return nil, err
		}
	}
	results := builder.MethodByName("Execute").Call(nil)
	response, _ := results[len(results)-2].Interface().(*http.Response)
	failure, _ := results[len(results)-1].Interface().(error)
	return read(results[0], response, failure)
}

// read gives the status and what the client's user reads of an answer.
func read(value reflect.Value, response *http.Response, failure error) (map[string]any, error) {
	if response == nil || (failure != nil && response.StatusCode < 300) {
		return nil, failure
	}
	answer := map[string]any{"status": response.StatusCode}
	if failure != nil {
		var text []byte
		if failed, ok := failure.(*mincloud.GenericOpenAPIError); ok {
			text = failed.Body()
		}
		var body any
		if json.Unmarshal(text, &body) != nil {
			body = string(text)
		}
		if len(text) > 0 {
			answer["body"] = body
		}
		return answer, nil
	}
	if response.StatusCode == http.StatusNoContent {
		return answer, nil
	}
	text, err := json.Marshal(value.Interface())
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, err
	}
	// What a function returned is nil both for null and for nothing; only what was waited for has a code.
	if _, isResult := body["code"]; isResult && value.Type() == reflect.TypeOf(&mincloud.InvocationAnswer{}) {
		if _, there := body["data"]; !there {
			body["data"] = nil
		}
	}
	answer["body"] = body
	return answer, nil
}

func main() {
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 16<<20)
	for lines.Scan() {
		var asked request
		err := json.Unmarshal(lines.Bytes(), &asked)
		answer := map[string]any{}
		if err == nil {
			answer, err = ask(asked)
		}
		if err != nil {
			answer = map[string]any{"error": strings.SplitN(err.Error(), "\n", 2)[0]}
		}
		answer["id"] = asked.ID
		line, err := json.Marshal(answer)
		if err != nil {
			panic(err)
		}
		fmt.Println(string(line))
	}
}
